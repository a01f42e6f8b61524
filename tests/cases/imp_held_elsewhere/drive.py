from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f, options=m.OPTIONS, c=m.C())


def check(s):
    assert s.f() == 5, s.f()
    assert s.m.OPTIONS is s.options == {'limit': 5, 'double': 10}
    assert s.c.limit == 6
