from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert (s.m.BASE, s.m.DOUBLE, s.m.LABEL, s.m.OTHER) == (11, 22, 'total 22', 'fixed'), s.m.LABEL
