from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f, v=m.a.v)


def check(s):
    assert s.m.X == (3, 5, 6, 8), s.m.X
    assert s.f is s.m.f and s.f(3, 4) == 7 and s.v(2) == 2
