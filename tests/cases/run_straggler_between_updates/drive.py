from types import SimpleNamespace as S


import queue
import threading


class Gate:
    """Waits in a call of a Python function."""

    def __init__(self):
        self.inside, self.opened = threading.Semaphore(0), threading.Semaphore(0)

    def wait(self):
        self.inside.release()
        self.opened.acquire()


class Lock:
    """Waits in a call that C code stands between."""

    def __init__(self, gate):
        self.gate = gate

    def __index__(self):
        self.gate.wait()
        return 1


def setup():
    import m
    gate, first = Gate(), Gate()
    out = queue.SimpleQueue()
    thread = threading.Thread(target=m.loop, args=(Lock(first), gate, out), daemon=True)
    thread.start()
    assert first.inside.acquire(timeout=60)
    return S(m=m, gate=gate, first=first, out=out, thread=thread)


def check(s):
    s.first.opened.release()
    s.out.get(timeout=60)                   # from Python 3.12 on it has moved before this line
    assert s.gate.inside.acquire(timeout=60)


def check2(s):
    assert s.m.other() == 2
    s.gate.opened.release()
    assert s.first.inside.acquire(timeout=60)
    s.first.opened.release()
    assert s.out.get(timeout=60) == ('new', 1)
    assert s.gate.inside.acquire(timeout=60)
    s.m.GO_ON = False
    s.gate.opened.release()
    s.thread.join(60)
    assert s.out.get(timeout=60) == 'new end'


def report2(s, r):
    assert not r['stragglers'], r['stragglers']
