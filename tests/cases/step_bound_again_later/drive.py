from types import SimpleNamespace as S


def setup():
    import m, u
    f1 = m.G
    f2 = m.f
    return S(m=m, u=u, f1=f1, f2=f2)


def check(s):
    m, u = s.m, s.u
    assert m.LEVEL == 'warn' == u.LEVEL


def check2(s):
    m, u = s.m, s.u
    assert (m.X, m.Y, u.X, u.Y) == (10, 2, 10, 2), (m.X, m.Y, u.X, u.Y)


def check3(s):
    m, f1, f2 = s.m, s.f1, s.f2
    assert f1() == 'FIRST' and f2() == 'second' and (m.f is f2) and (m.G is f1)


def check4(s):
    m, u, f1, f2 = s.m, s.u, s.f1, s.f2
    assert f1() == 'FIRST' and f2() == 'second' and (m.f is f2 is u.f) and (m.G is f1), (m.f is f2, m.G is f1, m.f(), m.G())


def check5(s):
    m, u = s.m, s.u
    assert m.LEVEL == 'debug' == u.LEVEL


def check6(s):
    m, u = s.m, s.u
    assert m.LEVEL == 'debug' == u.LEVEL, m.LEVEL


def check7(s):
    m, u = s.m, s.u
    assert m.T == 'set' == u.T
