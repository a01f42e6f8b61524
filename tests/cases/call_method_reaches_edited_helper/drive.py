from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, A=m.A)


def check(s):
    assert s.m.X == 12, s.m.X
    assert s.m.A is s.A
