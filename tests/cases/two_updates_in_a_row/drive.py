from types import SimpleNamespace as S


def setup():
    import m
    m.LOG.append('live')
    return S(m=m, f=m.f, c=m.C(), log=m.LOG)


def check(s):
    assert s.f() == ('v2', 2, 0) and s.c.go() == 2


def check2(s):
    assert s.f(1) == ('v3', 2, 1) and s.c.y == 3


def check3(s):
    assert s.f() == 'v4' and not hasattr(s.m, 'N') and not hasattr(s.c, 'y')


def check4(s):
    assert s.f() == ('v5', 5) and s.c.go() == 5 == s.c.z
    assert s.m.LOG is s.log == ['live'] and s.m.f is s.f
