from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, sep=m.sep)


def check(s):
    assert s.sep() == 'b2' and s.m.sep is s.sep
