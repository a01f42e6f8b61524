from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert s.m.OUT == [(5, 5)] and s.m.X == 5, s.m.OUT
