from types import SimpleNamespace as S


def setup():
    import m, u
    a = m.A
    return S(m=m, u=u, a=a)


def check(s):
    m, u, a = s.m, s.u, s.a
    assert m.A is m.B is a is u.X is m.C['a'] is u.g() and a == [1, 2]


def check2(s):
    m = s.m
    assert m.B is not m.A and m.B == [1, 2]
