from types import SimpleNamespace as S

import os
import threading

FLIGHT = []
CHILD = []
STATE = []


def fork():
    if not FLIGHT:
        return
    pid = os.fork()
    CHILD.append(pid)
    if pid:
        CHILD.append(in_child_of_a_thread())


def look(flight):
    """In a child: the old version runs, nothing of the staged code is left, the update can be had."""
    s = STATE[0]
    if s.f() != 'v1' or s.items != ['run time']:
        return 2
    if flight.update().outcome != 'committed' or s.f() != 'v2':
        return 3
    return 0


def in_child_of_a_thread():
    """Forks on a thread that is not the one that updates."""
    out = []

    def run():
        pid = os.fork()
        if pid == 0:
            code = 9
            try:
                flight = FLIGHT.pop()
                code = look(flight)
            finally:
                os._exit(code)
        out.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    t = threading.Thread(target=run)
    t.start()
    t.join()
    return out[0]


def setup():
    import m
    STATE.append(S(m=m, f=m.f, items=m.ITEMS))
    return STATE[0]


def apply(s, update):
    if update.midflight is None:
        return
    FLIGHT.append(update.midflight)
    here = os.getpid()
    outcome = None
    try:
        outcome = update.midflight.update().outcome
    finally:
        flight = FLIGHT.pop()
        if os.getpid() != here:
            code = 8
            try:
                code = look(flight) if outcome == 'skipped' else 7
            finally:
                os._exit(code)
    assert outcome == 'committed', outcome
    pid, of_thread = CHILD
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert of_thread == 0, of_thread


def check(s):
    assert s.f() == 'v2'
