from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, show=m.show)


def check(s):
    assert s.show(1) == '[1]' and s.m.show is s.show
