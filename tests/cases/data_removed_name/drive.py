from types import SimpleNamespace as S


def setup():
    import m
    m.ADDED = 3
    return S(m=m)


def check(s):
    assert not hasattr(s.m, 'GONE') and s.m.KEEP == 2 and s.m.ADDED == 3
