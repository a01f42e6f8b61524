from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, one=m.one)


def check(s):
    assert s.one is s.m.one and s.one() == 1
    assert s.one.tag == 'new' and s.one.extra, vars(s.one)
