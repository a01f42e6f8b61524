from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    m = s.m
    assert (m.A, m.B, m.C, m.X, m.Y, m.W, m.Z) == (1, 20, [30], 'other', 'other', 6, 12)
