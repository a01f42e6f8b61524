import collections
from types import SimpleNamespace as S


def setup():
    import m
    ps = [m.P(i) for i in range(50)]
    s = S(m=m, ps=ps, d={p: p.x for p in ps}, t={(p, 1): p.x for p in ps}, st=set(ps), fs={frozenset([p]): 1 for p in ps}, od=collections.OrderedDict((p, p.x) for p in ps), c=collections.Counter(ps), ch={frozenset([(p, frozenset([p]))]): p.x for p in ps})
    for p in ps: p.bad = True
    return s


def check(s):
    for p in s.ps: p.bad = False
    for p in s.ps:
        assert s.d[p] == p.x and s.t[(p, 1)] == p.x and p in s.st and s.fs[frozenset([p])] == 1 and s.od[p] == p.x and s.c[p] == 1 and p.y == 1
        assert s.ch[frozenset([(p, frozenset([p]))])] == p.x
    assert list(s.od) == s.ps and [s.od.popitem()[1] for _ in range(50)] == list(range(49, -1, -1))
