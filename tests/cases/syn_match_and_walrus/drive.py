from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f() == ('A', 4) and s.m.number == 4
