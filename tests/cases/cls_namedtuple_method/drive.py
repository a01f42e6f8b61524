from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, p=m.P(1), P=m.P)


def check(s):
    assert s.m.P is s.P is type(s.p)
    assert s.p.norm()[0] == 1 and s.P(1).y == 5
    assert s.P(2).norm() == (2, 5)
