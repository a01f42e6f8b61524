from types import SimpleNamespace as S


def setup():
    import m
    m.count = 1
    return S(m=m, a=m.A(), bump=m.bump)


def check(s):
    assert s.m.tag == 'new' and s.a.own == 'new!' and s.bump() == 11
