from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, makers={'p': m.point})


def check(s):
    assert isinstance(s.m.point, type)
    assert s.makers['p'] is s.m.point
    assert s.makers['p'](1, 2).y == 2
