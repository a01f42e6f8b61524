import queue
from types import SimpleNamespace as S


class Named(queue.SimpleQueue):
    pass


def filled(kind, p):
    """Its items go round the end of its memory; what left is there still."""
    waiting = kind()
    for _ in range(5):
        waiting.put(p[0])
    for _ in range(4):
        waiting.get()
    for i in range(1, 7):
        waiting.put(p[i])
    return waiting


def setup():
    import m
    p = [m.P(i) for i in range(7)]
    empty = queue.SimpleQueue()
    empty.put(p[0])
    empty.get()
    return S(m=m, p=p, empty=empty, queues=[filled(queue.SimpleQueue, p), filled(Named, p)], cls=filled(queue.SimpleQueue, [m.P] * 7))


def check(s):
    assert [(type(p) is s.m.P, p.n, p.more) for p in s.p] == [(True, i, "more") for i in range(7)]
    for waiting in s.queues:
        there = [waiting.get_nowait() for _ in range(waiting.qsize())]
        assert len(there) == 7 and all(one is p for one, p in zip(there, s.p)), there
    assert [s.cls.get_nowait() for _ in range(7)] == [s.m.P] * 7
    assert s.empty.empty() and s.cls.empty()
    s.empty.put(s.p[1])
    assert s.empty.get() is s.p[1]
