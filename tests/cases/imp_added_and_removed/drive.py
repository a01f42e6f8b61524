from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, get=m.get)


def check(s):
    assert s.get() == (2, 3, '0')
    assert not hasattr(s.m, 'A') and not hasattr(s.m, 'os')
