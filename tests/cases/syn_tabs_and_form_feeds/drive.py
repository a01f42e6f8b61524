from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, a=m.A(), g=m.g)


def check(s):
    assert s.a.f() == 'new' and s.g() == 'g2'
