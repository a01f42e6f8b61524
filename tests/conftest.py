"""conftest.py -- no test waits for ever: one that takes too long fails at the place where it waits."""
import signal

import pytest

LIMIT = 240        # seconds; the longest case under a lever stays below


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    def late(number, frame):
        pytest.fail("takes longer than %d s" % LIMIT)

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
