from types import SimpleNamespace as S


def setup():
    import m
    m.A.made = lambda self: 'made'
    return S(m=m, a=m.A(), b=m.B())


def check(s):
    assert (s.a.hi(), s.b.hi(), s.m.B().hi()) == ('hello a', 'hello b', 'hello b')
    assert not hasattr(s.a, 'bye') and not hasattr(s.b, 'bye')
    assert s.a.made() == 'made'
