from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert s.m.__doc__ is None and s.m.X == 1
