from types import SimpleNamespace as S


def setup():
    import base, m
    return S(base=base, m=m, known=base.Plugin.known, A=m.A)


def check(s):
    P = s.base.Plugin
    assert P.known is s.known and s.known == {'a': s.m.A, 'see': s.m.C}, s.known
    assert P.order == [s.m.A, s.m.C], P.order
    assert s.m.A is s.A and s.A.x == 2
