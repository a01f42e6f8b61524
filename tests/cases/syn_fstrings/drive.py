from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f, g=m.g)


def check(s):
    assert s.f(1) == '1     |{}|11' and s.g(0) == '#' and s.g(1) == 'class'
