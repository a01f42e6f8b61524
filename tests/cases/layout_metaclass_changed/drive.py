from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, c=m.C(1), d=m.D(2), plain=m.Plain(), held=[m.C, m.D])


def check(s):
    m = s.m
    assert type(m.C) is m.Meta and type(m.D) is m.Meta and type(m.Plain) is m.Meta
    assert m.C.tag() == 'C' and m.D.tag() == 'D' and m.Plain.tag() == 'Plain'
    assert s.held == [m.C, m.D] and s.held[0] is m.C
    assert type(s.c) is m.C and (s.c.x, s.c.y) == (1, 5)
    assert type(s.d) is m.D and isinstance(s.d, m.C) and (s.d.x, s.d.y) == (2, 5)
    assert m.D.__mro__ == (m.D, m.C, object) and m.C.__subclasses__() == [m.D]
    assert s.plain.twice() == 4 and type(s.plain) is m.Plain
    assert m.C(7).y == 5


def check2(s):
    m = s.m
    assert type(m.C) is type and type(m.Plain) is type and not hasattr(m.C, 'tag')
    assert type(s.c) is m.C and s.c.x == 1 and not hasattr(s.c, 'y')
    assert type(s.d) is m.D and s.d.x == 2
