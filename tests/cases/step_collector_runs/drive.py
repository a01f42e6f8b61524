import gc
from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m, a=m.a, P=m.P, Q=m.Q, p=m.P(), q=m.Q(), table=m.TABLE)


def same(s, n):
    m = s.m
    assert m.LIMIT == n and m.a is s.a and s.a() == n and s.hub.ALL == [s.a]
    assert m.P is s.P and m.Q is s.Q and s.P.x == 2 and s.Q.y == n and s.Q.In.z == n - 1
    assert s.p.get() == s.q.get() == n + 1
    assert m.TABLE is s.table == {'a': s.a, 'p': [s.P, s.Q]}, s.table


def check(s):
    same(s, 2)


def check2(s):
    same(s, 3)
    gc.unfreeze()


def settle(s):
    """Each attempt freezes what it has made."""
    gc.unfreeze()
