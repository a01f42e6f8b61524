from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, total=m.total)


def check(s):
    assert s.total() == 9, s.total()
    assert not hasattr(s.m, 'scratch')
