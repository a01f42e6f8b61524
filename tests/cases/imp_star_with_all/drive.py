from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, names=m.names)


def check(s):
    assert s.names() == ['_hidden', 'one', 'three'], s.names()
    assert s.m.one() == 11
