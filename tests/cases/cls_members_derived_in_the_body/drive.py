from types import SimpleNamespace as S


def setup():
    import m, u, c
    k = m.K()
    f = m.K.f
    return S(m=m, u=u, c=c, k=k, f=f)


def check(s):
    m, u, k = s.m, s.u, s.k
    assert (m.K.LIMIT, m.K.double, m.K.quad, k.f(), u.Q) == (5, 10, 20, 5, 20), (m.K.LIMIT, m.K.double, m.K.quad, k.f(), u.Q)


def check2(s):
    m, u, k = s.m, s.u, s.k
    assert (k.LIMIT, k.double, k.quad, k.f(), u.Q) == (6, 12, 24, 6, 24), (m.K.LIMIT, m.K.double, m.K.quad, k.f(), u.Q)


def check3(s):
    k = s.k
    assert k.val == -6


def check4(s):
    m, k = s.m, s.k
    assert k.alias() == [6] and k.f() == [6] and (m.K.alias is m.K.f)


def check5(s):
    m, k, f = s.m, s.k, s.f
    assert k.alias() == [6] and m.K.alias is m.K.f and (m.K.f is f)


def check6(s):
    m = s.m
    assert m.K.Inner.z == 2
