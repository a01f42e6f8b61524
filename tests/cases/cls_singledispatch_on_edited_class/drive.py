from types import SimpleNamespace as S


def setup():
    import m
    c = m.Circle()
    m.area(c)
    return S(m=m, c=c)


def check(s):
    assert s.m.area(s.c) == ('circle', 5) == s.m.area(s.m.Circle())
    assert s.m.area(s.m.Square()) == ('square', 1) and s.c.grow() == 6
