from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f() == 1 and not hasattr(s.m, 'sys')


def check2(s):
    assert s.f() == 2
