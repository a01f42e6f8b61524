from types import SimpleNamespace as S


def setup():
    import m
    m.A['live'] = m.B['live'] = 1
    return S(m=m, a=m.A, b=m.B)


def check(s):
    assert s.m.A is s.a == {'x': 2, 'live': 1}, s.a
    assert s.m.B is s.b == {'x': 1, 'live': 1}, s.b
