from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, k=m.Keys())


def check(s):
    assert (s.k.up, s.k.left, s.k.get()) == ('Up', 'Left', 'b')
    assert not hasattr(s.m.Keys, '_name')
