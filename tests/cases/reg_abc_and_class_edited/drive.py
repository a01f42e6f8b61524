from types import SimpleNamespace as S


def setup():
    import m
    a = m.A()
    assert isinstance(a, m.Shape) and not isinstance(3, m.Shape)
    return S(m=m, a=a)


def check(s):
    m = s.m
    assert isinstance(s.a, m.Shape) and isinstance(m.A(), m.Shape) and issubclass(m.A, m.Shape)
    assert isinstance(m.B(), m.Shape) and not isinstance(3, m.Shape)
    assert m.Shape.v == 2 and s.a.w == 2
