from types import SimpleNamespace as S


def setup():
    import m
    A, B = m.build(1), m.build(2)
    return S(m=m, a=A(), b=B())


def check(s):
    assert s.a.get() == ('new', 1) and s.b.get() == ('new', 2)
    assert s.m.build(3)().get() == ('new', 3)
