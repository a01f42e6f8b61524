from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert s.m.lib.Thing.size == 2 and s.m.taken == 2
    assert not hasattr(s.m, 'LIMIT') and not hasattr(s.m, 'Thing'), vars(s.m).keys()
