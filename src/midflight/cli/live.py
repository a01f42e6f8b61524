"""What the commands on live processes share: who is meant, what is shown, how it ends.

Owns: the words of answers and the exit codes. In: the command's options. Out: lines, or one JSON object; 0 live or
nothing to do, 2 wrong call, 3 rejected, 4 only a restart takes it, 5 not reachable.
"""

import json
import os
import sys
import time

from ..attach import client, trees
from ..attach.client import CallFailed, NotReachable
from ..report import Report, short_path
from . import LIVE, NOT_REACHABLE, REJECTED, RESTART, WRONG_CALL

RESTART_CODES = frozenset(("MF407", "MF409", "MF420", "MF421", "MF422", "MF423"))
INTERRUPTED = 130


def command(function):
    """The exit code of a command that talks to processes: what goes wrong on the way is words, not a traceback."""
    def run(options):
        try:
            return function(options)
        except NotReachable as error:
            return fail(options, str(error), NOT_REACHABLE)
        except CallFailed as error:
            late = error.ours == "MF681" or error.code in (-32001, -32002)
            return fail(options, str(error), NOT_REACHABLE if late else WRONG_CALL if error.code == -32602 else REJECTED)
        except KeyboardInterrupt:
            return fail(options, "interrupted: what had begun goes on in the process (midflight history says how it ended), "
                                 "what had not is withdrawn", INTERRUPTED)
    return run


def fail(options, text, code):
    if options.json:
        print(json.dumps({"event": options.command, "outcome": "failed", "error": text, "exit": code}, ensure_ascii=False))
    else:
        sys.stderr.write(f"midflight {options.command}: {text}\n")
    return code


def members(options):
    """The processes that are meant, parents first; None where nobody was named: then the list has been shown."""
    if options.target is None:
        list_processes(options)
        return None
    found = client.resolve(options.target)
    root = found[0] if len(found) == 1 else trees.one_tree(found)
    if root is None:
        raise NotReachable(f"{len(found)} processes that are not one tree are called {options.target!r}: name a PID of " +
                           ", ".join(process.label for process in found))
    return [root] if options.only else trees.tree_of(root)


def list_processes(options):
    there = client.processes()
    if options.json:
        print(json.dumps({"event": "processes", "processes": [process.hello for process in there]}, ensure_ascii=False))
    elif not there:
        print("no process can be reached. One can that was started with `midflight run`, that imports midflight.auto, or that calls "
              "midflight.start() with MIDFLIGHT_AGENT=1 in its environment; `midflight attach PID` opens others.")
    else:
        print(f"{'PID':<10} {'NAME':<20} {'PYTHON':<8} {'UP':>8}  COMMAND")
        pids = {process.pid for process in there}
        for process in there:
            depth = sum(pid in pids for pid in client.ancestors(process.pid))
            print(f"{process.label:<10} {'  ' * depth + process.name:<20} {process.hello.get('python', ''):<8} "
                  f"{_time(time.time() - process.hello.get('started', time.time())):>8}  {_command(process)}")
        if options.command not in ("status", "attach"):
            sys.stderr.write(f"midflight {options.command}: which one? (PID or name)\n")
    return LIVE if options.command in ("status", "attach") else WRONG_CALL


def ask(options, method, params=None):
    """[(process, answer)] of all that are meant, parents first."""
    answers = []
    for process in members(options):
        with client.Connection(process.path) as connection:
            answers.append((process, connection.call(method, params, timeout=options.timeout)))
    return answers


def doctor_of(options):
    """`midflight doctor TARGET`: what works in that process."""
    options.target, options.only, options.timeout = options.path, False, 30.0
    return command(_doctor_of)(options)


def _doctor_of(options):
    good = True
    for process, answer in ask(options, "doctor"):
        good = good and answer["supported"]
        if options.json:
            print(json.dumps({"event": "doctor", **answer}, ensure_ascii=False))
            continue
        print(f"process {process.label}  {process.name}  Python {answer['python']} ({answer['executable']})")
        print("    updates work" if answer["supported"] else f"    updates are rejected: {answer['why']}")
        print(f"    {answer['modules']} modules, {answer['threads']} threads; "
              + (f"watching ({answer['watching']})" if answer["watching"] else "not watching"))
        for name in answer["unknown_texts"]:
            print(f"    the text that {name} runs is not known: an update of it is rejected; start midflight before it is imported")
    return LIVE if good else REJECTED


def progress_for(options):
    """Words on a terminal while a process lets us wait."""
    if options.json or not sys.stderr.isatty():
        return None

    def show(process, state, ms):
        sys.stderr.write(f"\r\x1b[Kprocess {process.label} {state} ({ms / 1000:.0f} s; Ctrl-C leaves it)")
        if ms < 0:
            sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
    return show


def run_on_tree(options, method, params):
    """plan, update, hotfix, undo: on all, in two phases; the exit code."""
    there = members(options)
    if there is None:
        return LIVE if options.json else WRONG_CALL
    command = trees.Command(method, params, timeout=options.timeout, progress=progress_for(options))
    again = None if options.only else lambda: trees.tree_of(there[0])
    dry_run = getattr(options, "dry_run", False)
    outcome = command.run(there, dry_run=dry_run, look_again=again)
    return show_outcome(options, outcome)


def show_outcome(options, outcome):
    reports = {process: answer for process, answer in outcome.answers.items() if isinstance(answer, dict)}
    if options.json:
        processes = [answer if isinstance(answer, dict) else {"pid": process.pid, "outcome": "failed", "error": str(answer)}
                     for process, answer in outcome.answers.items()]
        print(json.dumps({"event": options.command, "outcome": outcome.outcome, "phase": outcome.phase, "epoch": outcome.epoch,
                          "why": outcome.why, "notes": outcome.notes, "processes": processes}, ensure_ascii=False))
    else:
        _clear_line()
        for process, answer in reports.items():
            if len(outcome.answers) == 1 or answer["outcome"] != "skipped":
                show_report(process, answer, options.verbose, alone=len(outcome.answers) == 1)
        _show_end(options, outcome, len(reports))
    return exit_code(outcome, reports.values())


def _show_end(options, outcome, count):
    for note in outcome.notes:
        print(f"{'midflight':16}{note}")
    if outcome.outcome == "failed":
        sys.stderr.write(f"midflight {options.command}: {outcome.why}\n")
    elif outcome.why and len(outcome.answers) != 1:
        print(f"{'midflight':16}{outcome.why}")
    elif len(outcome.answers) > 1:
        idle = sum(isinstance(answer, dict) and answer["outcome"] == "skipped" for answer in outcome.answers.values())
        words = f"{count} processes: {count - idle} {'would take it' if outcome.phase == 'dry run' else outcome.outcome}"
        print(f"{'midflight':16}{words}" + (f", {idle} with nothing to do" if idle else "") + f"   epoch {outcome.epoch}")


def show_report(process, answer, verbose=False, alone=True):
    if answer.get("born"):
        return
    report = Report(answer)
    first, *more = report.lines(verbose)
    print(first[0] + ("" if alone else f"   [process {process.label}]"))
    for line, _ in more:
        print(line)


def exit_code(outcome, reports):
    if outcome.outcome in ("committed", "skipped"):
        return LIVE
    failed = [answer for answer in outcome.answers.values() if isinstance(answer, Exception)]
    if failed and outcome.outcome == "failed":
        code = getattr(failed[0], "code", None)
        wrong = isinstance(failed[0], CallFailed) and code == -32602
        refused = isinstance(failed[0], CallFailed) and code not in (-32001, -32002)
        return WRONG_CALL if wrong else REJECTED if refused else NOT_REACHABLE
    codes = {reason.get("code") for report in reports for reason in report.get("reasons", ())}
    return RESTART if codes & RESTART_CODES else REJECTED


def _clear_line():
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")


def _command(process):
    argv = process.hello.get("argv") or ()
    text = " ".join([os.path.basename(argv[0]), *map(short_path, argv[1:])]) if argv else ""
    return text if len(text) <= 60 else text[:57] + "..."


def _time(seconds):
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
