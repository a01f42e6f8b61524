from types import SimpleNamespace as S


def setup():
    import m, u
    return S(m=m, u=u)


def check(s):
    m, u = s.m, s.u
    assert m.X == 1 == u.X


def check2(s):
    m = s.m
    assert m.L == [1]


def check3(s):
    m, u = s.m, s.u
    assert m.f() == 1 == u.f()


def check4(s):
    m, u = s.m, s.u
    assert m.Y == 1 == u.Y
