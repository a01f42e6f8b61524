from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, gen=m.items(3))


def check(s):
    assert list(s.m.items(1)) == [('new', 1)]
    assert list(s.gen) == [('new', 3)]
