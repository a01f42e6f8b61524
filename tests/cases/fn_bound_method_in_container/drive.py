from types import SimpleNamespace as S


import collections


def setup():
    import m
    timers = [m.Timer(i) for i in range(4)]
    queue = collections.deque((t.n, t.fire) for t in timers)
    return S(m=m, queue=queue, frozen=frozenset({timers[0].fire}), nested={'a': {'b': (timers[3].fire,)}})


def check(s):
    assert [f() for _, f in s.queue] == [('new', i) for i in range(4)]
    assert [f() for f in s.frozen] == [('new', 0)]
    assert s.nested['a']['b'][0]() == ('new', 3)
