from types import SimpleNamespace as S


def setup():
    import m
    m.C.append('live')
    return S(m=m, c=m.C, f=m.f, k=m.K())


def check(s):
    assert (s.m.A, s.m.B, s.m.D) == (1, 5, 6) and s.f() == 5
    assert s.m.C is s.c == [3, 'live'] and (s.k.x, s.k.y) == (1, 7)
