from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    import math
    assert s.m.A is True and type(s.m.B) is float and type(s.m.D) is float
    assert s.m.C['x'] is True and math.copysign(1, s.m.C['y']) == -1
