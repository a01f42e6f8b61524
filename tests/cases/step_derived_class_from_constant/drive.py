from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, names=m.names)


def check(s):
    assert s.names() == ('x', 'y', 'z'), s.names()
    assert s.m.Point(1, 2, 3).z == 3
