from types import SimpleNamespace as S


def setup():
    import m
    m.call()
    return S(m=m, inner=m.holder())


def check(s):
    assert s.m.call() == ('new', 2) and s.inner() == 'new'
