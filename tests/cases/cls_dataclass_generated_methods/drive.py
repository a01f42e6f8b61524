from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, a=m.V(x=1, y=9), eq=m.V.__eq__, V=m.V)


def check(s):
    assert s.m.V is s.V and s.a < s.m.V(y=10, x=0)
    assert repr(s.a) == 'V(y=9, x=1)' and hash(s.a) == hash(s.m.V(9, 1))
    assert s.eq is s.m.V.__eq__
