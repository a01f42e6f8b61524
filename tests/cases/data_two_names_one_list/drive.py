from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, a=m.A)


def check(s):
    assert s.m.A is s.m.B is s.a == [1, 2, 3]
