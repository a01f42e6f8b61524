from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, Box=m.Box, Point=m.Point)


def check(s):
    assert (s.m.BOX.w, s.m.BOX.h) == (4, 8), s.m.BOX
    assert s.m.ORIGIN == (4, -4), s.m.ORIGIN
    assert type(s.m.BOX) is s.Box is s.m.Box and type(s.m.ORIGIN) is s.Point
