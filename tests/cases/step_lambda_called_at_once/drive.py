from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.F)


def check(s):
    assert s.m.F is s.f and s.f(1) == 3
    assert (s.m.R, s.m.FIL) == ([3, 6], [4]), (s.m.R, s.m.FIL)


def check2(s):
    assert s.m.R == [4, 5] and s.m.F is s.f, s.m.R
