"""test_cases.py -- the acceptance cases of tests/cases through runner.py, each in a process of its own, and under each lever if the engine has them.

Every case runs plainly; under levers a sample of them, chosen by name, or with MIDFLIGHT_TEST_ALL=1 (make test-all) each under each. Where all
allocations or all writes of the updates fail, one after the other, it is always a sample, and a smaller one, since that takes seconds for a case:
make test-levers is without samples.
A case that a lever says nothing about shows it: see runner.judge.
known_failures.txt names what the engine does not do yet: those run too, and one that passes must leave the list.
"""
import concurrent.futures
import functools
import os
import subprocess
import sys
import zlib

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import known  # noqa: E402
import levers  # noqa: E402
import runner  # noqa: E402

ALL = runner.load_cases(["*"])
LEVERS = ("identity", "force_rollback", "every=2", "every=3", "fail_alloc=9", "fail_step=3", "repeat=2", "repeat=3")
ALL_FAILURES = ("fail_alloc=all", "fail_step=all")
PROBE = "fn_signature_changed"        # a plain case, by which a lever shows whether it acts
ASK = "import sys; from midflight import _engine; _engine.lever('identity', 1); _engine.lever('identity', 0)"
SHARE = dict.fromkeys(LEVERS, 12) | dict.fromkeys(ALL_FAILURES, 80)     # in make test one of so many cases runs under it
_pool = concurrent.futures.ThreadPoolExecutor(2)
_running = {}


KNOWN = {name: kind for name, kind in known.failures().items() if not name.startswith("tests/")}


@functools.cache
def engine_has_levers():
    return subprocess.run([sys.executable, "-c", ASK], capture_output=True).returncode == 0


@functools.cache
def lever_acts(lever):
    return runner.run_case(PROBE, "midflight", lever)[0] == "pass"


def chosen(name, lever):
    if not lever or "%s-%s" % (name, lever) in KNOWN:
        return True
    share = SHARE["identity" if runner.why_not_under(ALL[name], lever) else lever]
    if os.environ.get("MIDFLIGHT_TEST_ALL", "") not in ("", "0"):
        share //= 10        # 1 where a case takes no time
    return zlib.crc32(("%s %s" % (name, lever)).encode()) % share == 0


def jobs():
    under = ("",) + tuple(lever for lever in SHARE if engine_has_levers() and lever_acts(lever))
    return [(name, lever) for lever in under for name in ALL if chosen(name, lever) and not (lever and name in KNOWN)]


JOBS = jobs()


def result_of(job):
    """Keeps two cases ahead of the one asked for in work, so that pytest's own order stays."""
    at = JOBS.index(job)
    for name, lever in JOBS[at:at + 3]:
        if (name, lever) not in _running:
            _running[name, lever] = _pool.submit(runner.run_case, name, "midflight", lever)
    return _running[job].result()


@pytest.mark.parametrize("job", JOBS, ids=["-".join(filter(None, job)) for job in JOBS])
def test_case(job):
    result, detail = result_of(job)
    good = runner.judge("midflight", ALL[job[0]], result, job[1])
    kind = KNOWN.get("-".join(filter(None, job)))
    if kind is None:
        assert good, "%s: %s\n%s" % (" ".join(job), result, detail)
    elif result != "na":
        assert not good, "%s " % " ".join(job) + known.PASSES % kind


def test_known_failures_are_of_cases():
    for name in KNOWN:
        case, _, lever = name.partition("-")
        assert case in ALL and lever in ("", *SHARE), name
    assert {line[1] for line in known.lines()} <= set(known.KINDS)


def test_every_case_is_whole():
    for name, meta in ALL.items():
        folder = os.path.join(runner.CASES, name)
        assert {"title", "group", "rule"} <= set(meta), name
        assert os.path.isdir(os.path.join(folder, "before")) and runner.steps_of(folder), name
        assert os.path.exists(os.path.join(folder, "drive.py")), name
        assert set(meta.get("not_under", {})) <= {"any", *levers.NAMES} and all(meta.get("not_under", {"": "-"}).values()), name


def test_every_lever_acts():
    """The cases run only under levers that act: one that does not would let every case pass for nothing."""
    assert not engine_has_levers() or not [lever for lever in SHARE if not lever_acts(lever)]
