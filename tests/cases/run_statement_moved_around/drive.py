from types import SimpleNamespace as S


def setup():
    import m
    seen = []
    gen = m.numbers(seen.append)
    assert next(gen) == 1
    return S(m=m, gen=gen, seen=seen)


def report(s, r):
    assert [e['name'] for e in r['stragglers']] == ['numbers'], r['stragglers']


def check(s):
    assert [next(s.gen) for _ in range(3)] == [2, 3, 4]
    assert s.seen in ([1, 2, 3], [1, 2, 3, 4]), s.seen      # the second from Python 3.12 on: the loop's head is such a place
    new = s.m.numbers(s.seen.append)
    assert next(new) == 1 and s.seen[-1] == 1
