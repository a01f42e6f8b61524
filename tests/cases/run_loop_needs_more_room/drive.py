from types import SimpleNamespace as S


import queue
import threading


class Gate:
    """Waits in a call of a Python function, and, as an index, in C code."""

    def __init__(self):
        self.inside, self.opened, self.out = threading.Semaphore(0), threading.Semaphore(0), queue.SimpleQueue()

    def wait(self):
        self.inside.release()
        self.opened.acquire()

    def __index__(self):
        self.wait()
        return 1


def setup():
    import m
    gates = Gate(), Gate()
    threads = [threading.Thread(target=f, args=(gate,), daemon=True) for f, gate in zip((m.calls, m.in_c), gates)]
    for thread, gate in zip(threads, gates):
        thread.start()
        assert gate.inside.acquire(timeout=60)
    return S(m=m, gates=gates, threads=threads)


def turn(gate):
    gate.opened.release()
    said = gate.out.get(timeout=60)
    assert gate.inside.acquire(timeout=60)
    return said


def check(s):
    many = list(range(30))
    for gate in s.gates:
        assert [turn(gate) for _ in range(3)] == [('new', n, many[:20], many, n) for n in (1, 2, 3)]
    s.m.GO_ON = False
    for gate, thread in zip(s.gates, s.threads):
        gate.opened.release()
        thread.join(60)
        assert not thread.is_alive()


def unchanged(s):
    for gate in s.gates:
        assert gate.out.empty()
