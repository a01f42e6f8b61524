from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, g=m.g)


def check(s):
    assert s.g() == 2 and s.m.g is s.m.f is s.g
