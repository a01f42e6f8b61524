"""runner.py -- runs acceptance cases, each in a process of its own, under one lever.

Owns the form of a case (tests/cases/<case>: before/, after/ ..., drive.py, case.toml) and what counts as a pass.
In: names of cases, a lever, an interpreter. Out: one line per case, exit status 1 if one is wrong.

    python tests/runner.py fn_*                            cases by pattern, with midflight
    python tests/runner.py fn_body --lever force_rollback  those of levers.py
    python tests/runner.py --control                       no update at all must fail, a restart on the new source must pass
    python tests/runner.py --python EXE -j 2 -v            another interpreter, two at a time, details of every case
    python tests/runner.py --lever identity --lever every=2 --passed FILE --slice 2/5
                                                           a long sweep in parts: the second fifth of the cases, without those that
                                                           FILE says have passed; what passes now is added to it

drive.py
    setup() -> state          (or setup(run): run.main(FILE) runs a file as __main__) imports the program, makes instances, grabs references
    check(state)              asserts, after the first edit; check2(state), ... after the further ones
    apply(state, update)      optional (apply2 ...): calls update() itself at a moment of its choice; `update.report` is the last report as a
                              dict, `update.midflight` the package (None in the controls), `update.change` has the lists of paths
    report(state, r)          optional (report2 ...): asserts about the report, a dict in the engine's form; midflight only
    unchanged(state)          optional: asserts in place of the fingerprint that an update changed nothing, also before the first one
    settle(state)             optional: drops what the program piles up by itself, and says why, before leaks are looked for
case.toml
    title, group, rule (words of the contract that it tests), why
    outcome = ["committed"]   of each step, "a|b" for either; where it is missing, "committed"; update_may_fail = [1]: any, of these steps
    needs = "become"          the engine may reject the first step, if it leaves the program untouched
    none = "pass"             passes without any update; restart = "na": asks for more than a restart gives
    start = "late"            midflight starts after setup(); "drive": the drive starts it itself
    [not_under]               the levers that say nothing about it ("any": all of them) and why; there it must fail, or ask for no update()
    settings = {}             arguments of start(); timeout, min_python, max_python; no_children: why a fork would change it
"""
import argparse
import concurrent.futures
import faulthandler
import fnmatch
import functools
import importlib
import importlib.util
import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
import types

import children
import levers
from fingerprint import Fingerprint

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "cases")
ENVIRONMENT = dict(os.environ)      # taken once: cases are started by threads, while pytest writes the running test's name into it


# ------------------------------------------------------------------ the files of a case
def copy_tree(src, dst):
    """Copies src over dst; returns the paths that were there and those that were not."""
    changed, added = [], []
    for root, dirs, names in os.walk(src):
        dirs[:] = sorted(d for d in dirs if d != "__pycache__")
        for name in sorted(names):
            rel = os.path.relpath(os.path.join(root, name), src)
            if rel == "DELETED":
                continue
            to = os.path.join(dst, rel)
            (changed if os.path.exists(to) else added).append(to)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copyfile(os.path.join(root, name), to + ".tmp~")
            os.replace(to + ".tmp~", to)
    return changed, added


def overlay(step_dir, dst, stamp):
    changed, added = copy_tree(step_dir, dst)
    deleted = []
    listing = os.path.join(step_dir, "DELETED")
    if os.path.exists(listing):
        with open(listing) as f:
            deleted = [os.path.join(dst, line.strip()) for line in f if line.strip()]
        for path in deleted:
            if os.path.exists(path):
                os.remove(path)
    for path in changed + added:
        os.utime(path, (stamp, stamp))
    importlib.invalidate_caches()
    return types.SimpleNamespace(changed=changed, added=added, deleted=deleted, all=changed + added + deleted)


def steps_of(case):
    folders = [os.path.join(case, "after" if i == 1 else "after%d" % i) for i in range(1, 10)]
    return [(i, d) for i, d in enumerate(folders, 1) if os.path.isdir(d)]


def read_meta(case):
    with open(os.path.join(case, "case.toml"), "rb") as f:
        return tomllib.load(f)


def load_cases(patterns):
    return {name: read_meta(os.path.join(CASES, name)) for name in sorted(os.listdir(CASES))
            if os.path.exists(os.path.join(CASES, name, "case.toml")) and any(fnmatch.fnmatch(name, p) for p in patterns)}


def wanted_of(meta, number):
    """The outcomes that a step may have, one or "a|b"."""
    may_fail = meta.get("update_may_fail", [])
    anyhow = may_fail is True or number in (may_fail or [])
    return "committed|rejected|rolled back" if anyhow else dict(enumerate(meta.get("outcome", []), 1)).get(number, "committed")


def why_not_under(meta, lever):
    """The reason why a lever says nothing about a case, or None."""
    reasons = meta.get("not_under", {})
    return reasons.get(levers.parse(lever)[0], reasons.get("any")) if lever else None


# ------------------------------------------------------------------ one case in this process
class Update:
    """What a drive's apply() gets: a call is one update of this step's files under the lever."""

    def __init__(self, run, change, wanted):
        self.run, self.change, self.wanted = run, change, wanted
        self.midflight, self.report = run.midflight, None

    def __call__(self, paths=None, **arguments):
        if self.midflight is None:
            return None
        before = Fingerprint(self.run.src)      # None: an update has gone through
        paths = self.change.all if paths is None else paths
        arguments.setdefault("paths", None if "sources" in arguments else paths)

        def once(check=True):
            nonlocal before
            report = None
            try:
                report = json.loads(self.midflight.update(**arguments).to_json())
            finally:
                if report is not None and report["outcome"] == "committed":
                    before = None
                elif check and before is not None:
                    self.run.assert_untouched(before)
            return report

        self.report = self.run.lever.apply(once, self.wanted, self.midflight)
        return self.report


class Run:
    def __init__(self, case, src, tool, lever, seen, result=""):
        self.meta = read_meta(case)
        self.case, self.src, self.tool = case, src, tool
        self.children = children.Children(src, result)
        self.lever = levers.Lever(lever, lambda: Fingerprint(src), self.assert_untouched, self.settle, seen, self.children)
        self.midflight = self.state = None
        self.where = "start"

    def start(self):
        import midflight
        self.midflight = midflight
        midflight.start(roots=[self.src], **self.meta.get("settings", {}))

    def assert_untouched(self, before):
        check = getattr(self.drive, "unchanged", None)
        if check is not None:
            check(self.state)
            return
        different = before.differences(Fingerprint(self.src))
        assert not different, "an update that did not commit, or has nothing to change, changed the program:\n" + "\n".join(different)

    def settle(self):
        getattr(self.drive, "settle", lambda state: None)(self.state)

    def main(self, name):
        """Runs a file of the program as __main__, as `python NAME` does."""
        path = os.path.join(self.src, name)
        module = sys.modules["__main__"]
        module.__file__ = path
        with open(path, "rb") as f:
            code = compile(f.read(), path, "exec", dont_inherit=True)
        exec(code, vars(module))
        return module

    def load_drive(self):
        spec = importlib.util.spec_from_file_location("drive", os.path.join(self.case, "drive.py"))
        self.drive = importlib.util.module_from_spec(spec)
        sys.modules["drive"] = self.drive
        spec.loader.exec_module(self.drive)

    def run(self):
        """None if the case passes; "rejected" if it needs what the engine cannot do yet; else an exception."""
        base = int(time.time()) - 1000
        copy_tree(os.path.join(self.case, "before"), self.src)
        for root, _, names in os.walk(self.src):
            for name in names:
                os.utime(os.path.join(root, name), (base, base))
        steps = steps_of(self.case)
        if self.tool == "restart":
            for i, folder in steps:
                overlay(folder, self.src, base + 20 * i)
        begin = self.meta.get("start", "early")
        if self.tool == "midflight" and begin == "early":
            self.start()
        self.load_drive()
        if self.tool == "midflight" and begin == "drive":
            import midflight
            self.midflight = midflight
        self.where = "setup"
        if "no_children" not in self.meta:
            self.children.program_begins()
        arguments = [self] if inspect.signature(self.drive.setup).parameters else []
        self.state = self.drive.setup(*arguments)
        if self.tool == "midflight" and begin == "late":
            self.start()
        for i, folder in steps if self.tool != "restart" else steps[-1:]:
            if self.step(i, folder, base + 20 * i) == "rejected":
                return "rejected"
        return None

    def step(self, number, folder, stamp):
        suffix = "" if number == 1 else str(number)
        wanted = wanted_of(self.meta, number)
        report = None
        if self.tool != "restart":
            self.where = "update" + suffix
            may = "|rejected" if "needs" in self.meta else ""
            update = Update(self, overlay(folder, self.src, stamp), wanted + may)
            getattr(self.drive, "apply" + suffix, lambda state, update: update())(self.state, update)
            report = update.report
        if report is not None:
            if report["outcome"] == "rejected" and wanted == "committed" and "needs" in self.meta:
                assert report["reasons"], "rejected without a reason"
                return "rejected"
            assert report["outcome"] in wanted.split("|"), "outcome %s, not %s: %s" % (report["outcome"], wanted, json.dumps(report["reasons"], indent=1))
        self.where = "check" + suffix
        getattr(self.drive, "check" + suffix, lambda state: None)(self.state)
        if report is not None and hasattr(self.drive, "report" + suffix) and not levers.lost_a_note(report):
            self.where = "report" + suffix
            try:
                getattr(self.drive, "report" + suffix)(self.state, report)
            except AssertionError as e:
                raise AssertionError("%s\n%s" % (e, json.dumps(report, indent=1)[:3000])) from e
        return None


def child(case, work, tool, lever, seen):
    """The case's own process: writes WORK/result.json."""
    faulthandler.enable()
    sys.dont_write_bytecode = True
    src = os.path.join(os.path.realpath(work), "src")
    os.makedirs(src)
    os.chdir(src)
    sys.path[0] = src
    result_path = os.path.join(work, "result.json")
    run = Run(case, src, tool, lever, json.loads(seen), result_path)
    result, detail = "pass", ""
    try:
        if run.run() == "rejected":
            result = "rejected"
    except BaseException as e:
        result = "wrong" if isinstance(e, AssertionError) else "error"
        detail = "".join(traceback.format_exception(type(e), e, e.__traceback__, limit=-5)).strip()
        detail = detail.replace(src, "SRC").replace(CASES, "CASES")
    children.write_result(result_path, {"result": result, "where": run.where, "detail": detail, "updates": run.lever.updates,
                                        children.UNDER_WAY: run.lever.seen})
    os._exit(0)


# ------------------------------------------------------------------ cases in processes
@functools.cache
def version_of(python):
    return json.loads(subprocess.run([python, "-c", "import sys; print(list(sys.version_info[:2]))"], capture_output=True, text=True).stdout)


def end_with_children(process):
    """Ends a case's process and what it has forked, which may be many once a lever makes children of children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)      # its number is the group's, for as long as the group has a process
    except ProcessLookupError:
        return
    process.wait()


def run_process(name, meta, tool, lever, python, seen):
    """The case in a process: a dict with result and detail."""
    work = tempfile.mkdtemp(prefix="midflight-%s-" % name)
    try:
        keep = ("PYTHONPATH", "PYTHONMALLOC")
        env = {k: v for k, v in ENVIRONMENT.items() if not k.startswith(("PYTHON", "MIDFLIGHT")) or k in keep or k == "MIDFLIGHT_TRACE"}
        env["PYTHONHASHSEED"] = "0"
        boot = "import sys; sys.path[0] = sys.argv[1]; import runner; runner.child(*sys.argv[2:])"     # so __main__ is nobody's file
        command = [python, "-c", boot, HERE, os.path.join(CASES, name), work, tool, lever, json.dumps(seen)]
        with open(os.path.join(work, "log"), "wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env, cwd=work,
                                       start_new_session=True)
            try:
                status = process.wait(meta.get("timeout", 30) * (40 if lever.endswith("=all") else 5 if lever else 1))
            except subprocess.TimeoutExpired:
                status = None
            finally:
                end_with_children(process)
        with open(os.path.join(work, "log"), errors="replace") as f:
            text = f.read()[-2500:].replace(work, "WORK")
        path = os.path.join(work, "result.json")
        if os.path.exists(path):
            with open(path) as f:
                got = json.load(f)
            got["detail"] = "at %s: %s\n%s" % (got["where"], got["detail"], text if got["result"] != "pass" else "")
            return got
        return {"result": "timeout", "detail": text} if status is None else {"result": "crash", "detail": "exit status %s\n%s" % (status, text)}
    finally:
        shutil.rmtree(work, ignore_errors=True)


def run_case(name, tool="midflight", lever="", python=sys.executable):
    """(result, detail): pass, rejected (allowed by `needs`), na, wrong, error, crash, timeout, or unused: its drive leaves the lever nothing
    to act on."""
    meta = load_cases([name])[name]
    if not meta.get("min_python", [3, 11]) <= version_of(python) <= meta.get("max_python", [9, 9]):
        return "na", "not for this Python"
    seen = {}
    while True:
        got = run_process(name, meta, tool, lever, python, seen)
        if got["result"] == "pass" and lever and not got["updates"]:
            return "unused", "the drive does not call update()"
        seen = got.get(children.UNDER_WAY, seen)
        if got["result"] not in ("pass", "rejected") or levers.is_done(seen):
            return got["result"], got["detail"] + ("seen %s\n" % seen if got["result"] != "pass" else "")


def judge(tool, meta, result, lever=""):
    """Is this what the tool must give? A case that is not meant for a lever must show why: it leaves it nothing to do or sees it act."""
    if why_not_under(meta, lever):
        one_failure = lever.startswith("fail_") and not lever.endswith("=all")      # which may be too early to show it
        return result in ("na", "unused", "wrong", "error") or (result == "pass" and one_failure)
    if tool == "none":
        return result == "na" or (result == "pass") == (meta.get("none") == "pass")
    if tool == "restart":
        return meta.get("restart") == "na" or result in ("pass", "na")
    return result in ("pass", "na") or (result == "rejected" and "needs" in meta)


def read_passed(path):
    """The lines of a file that need not run again: CASE TOOL LEVER."""
    if not path or not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as f:
        return {tuple(line.rstrip("\n").split(" ")) for line in f}


def main():
    global CASES
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=["*"])
    parser.add_argument("--lever", action="append", default=[])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--folder", default=CASES, help="other cases of this form")
    parser.add_argument("--passed", metavar="FILE", help="leave out what it lists, add what passes")
    parser.add_argument("--slice", metavar="K/N", default="1/1", help="each Nth case, from the Kth on")
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    CASES = os.path.abspath(options.folder)
    cases = load_cases(options.cases)
    part, parts = map(int, options.slice.split("/"))
    tools = ("none", "restart") if options.control else ("midflight",)
    under = [""] if options.control else options.lever or [""]
    passed = read_passed(options.passed)
    jobs = [(n, t, lever) for lever in under for n in list(cases)[part - 1::parts] for t in tools if (n, t, lever) not in passed]
    counts, bad = {}, 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = pool.map(lambda job: run_case(*job, options.python), jobs)
        for (name, tool, lever), (result, detail) in zip(jobs, results):
            good = judge(tool, cases[name], result, lever)
            bad += not good
            if good and options.passed:
                with open(options.passed, "a", encoding="utf-8") as f:
                    print(name, tool, lever, file=f)
            if tool == "restart" and result == "pass" and cases[name].get("restart") == "na":
                print('note: %s passes with a restart, restart = "na" is not needed' % name)
            counts[result] = counts.get(result, 0) + 1
            if not good or options.verbose:
                what = " ".join(filter(None, (tool, lever)))
                print("%-7s %s (%s): %s\n%s" % ("ok" if good else "WRONG", name, what, result, "" if good else detail), flush=True)
    print("%d runs of %d cases, %d wrong: %s" % (len(jobs), len(cases), bad, ", ".join("%s %d" % x for x in sorted(counts.items()))))
    return 1 if bad or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
