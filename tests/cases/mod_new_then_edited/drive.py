from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f() == (1, 'g1')


def check2(s):
    assert s.f() == (2, 'g2'), s.f()
