from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, b=m.B())


def check(s):
    assert (s.b.x, s.b.f(), s.b.g()) == (1, 'f1', 'g1') and not hasattr(s.b, 'y')


def check2(s):
    assert (s.b.x, s.b.f(), s.b.g(), s.b.y) == (2, 'f2', 'g2', 1)
