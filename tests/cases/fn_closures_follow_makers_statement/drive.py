from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, show=m.show)


def check(s):
    assert s.m.show('a') == '>a>!', s.m.show('a')
    assert s.show('a') == '>a>!'
