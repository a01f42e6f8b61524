"""conftest.py -- no test waits for ever, and those of known_failures.txt fail as long as they stand there: one that passes must leave it.

Every run of pytest has a run-time folder of its own, where the programs of its tests have their sockets: two runs on one machine do not find
each other's programs, which have the same names.
"""
import os
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import known  # noqa: E402

LIMIT = 240        # seconds; the longest case under a lever stays below
LIMIT_OF_ALL = 1800     # where every failure of its updates comes in turn, on a debug build of Python, and what make test-all makes long
KNOWN = known.failures()
RUN_TIME = pytest.StashKey()


def pytest_configure(config):
    folder = tempfile.TemporaryDirectory(prefix="midflight-run-", ignore_cleanup_errors=True)      # what a test has left running may write there
    config.stash[RUN_TIME] = folder, os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = folder.name


def pytest_unconfigure(config):
    folder, before = config.stash[RUN_TIME]
    os.environ.pop("XDG_RUNTIME_DIR")
    if before is not None:
        os.environ["XDG_RUNTIME_DIR"] = before
    folder.cleanup()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    limit = LIMIT_OF_ALL if "=all]" in item.nodeid or os.environ.get("MIDFLIGHT_TEST_ALL", "") not in ("", "0") else LIMIT

    def late(number, frame):
        pytest.fail("takes longer than %d s" % limit)

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(limit)
    outcome = yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    kind = KNOWN.get(item.nodeid)
    if kind is None:
        return
    if outcome.excinfo is None:
        outcome.force_exception(AssertionError(known.PASSES % kind))
    else:
        outcome.force_result(None)
