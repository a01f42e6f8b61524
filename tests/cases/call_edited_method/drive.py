from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, a=m.a)


def check(s):
    assert s.m.X == 12, s.m.X
    assert s.m.a is s.a
