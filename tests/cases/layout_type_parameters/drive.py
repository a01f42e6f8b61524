from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, p=m.P(1), q=m.Q(2), a=m.P[str])


def check(s):
    assert s.p.get() == 1 and s.q.get() == 2 and s.p.y == 1 and s.q.y == 1
    assert s.a.__origin__ is s.m.P and len(s.m.P.__type_params__) == 1
    assert s.m.P.__type_params__[0] is s.m.P.__parameters__[0]
