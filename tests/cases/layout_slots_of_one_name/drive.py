from types import SimpleNamespace as S


def setup():
    import m
    b = m.B(); m.A.x.__set__(b, 'A'); b.x = 'B'
    c = m.B(); m.A.x.__set__(c, 'A')
    return S(m=m, b=b, c=c)


def check(s):
    assert s.b.x == 'B', s.b.x
    assert s.m.A.x.__get__(s.b) == 'A'
    assert s.m.A.x.__get__(s.c) == 'A' and not hasattr(s.c, 'x')
    s.b.y = 1
