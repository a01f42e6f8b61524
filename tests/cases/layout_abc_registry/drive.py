import weakref
from types import SimpleNamespace as S


def setup():
    import m
    a, b, c = m.A(), m.B(), m.Impl()
    assert isinstance(a, m.Shape) and not isinstance(b, m.Shape) and m.show(a) == 'a' and m.show(b) == '-'
    return S(m=m, a=a, b=b, c=c, by={m.A: 'A', m.B: 'B'}, weak=weakref.WeakKeyDictionary({m.A: 1}), names={m.A, m.Impl}, Shape=m.Shape)


def check(s):
    m = s.m
    assert isinstance(s.a, m.Shape) and issubclass(m.A, m.Shape) and not isinstance(s.b, m.Shape) and isinstance(s.c, m.Shape)
    assert type(s.a) is m.A and type(s.b) is m.B and type(s.c) is m.Impl
    assert m.show(s.a) == 'a' and m.show(s.b) == '-' and m.show(m.A()) == 'a' and m.show(s.c) == 'shape'
    assert s.by == {m.A: 'A', m.B: 'B'} and s.weak[m.A] == 1 and s.names == {m.A, m.Impl}
    assert s.c.area() == 2 and s.c.unit is None
    assert m.Shape.__abstractmethods__ == {'area'} and m.Impl.__abstractmethods__ == frozenset()
    assert m.table[m.A](s.a) == 1
    try:
        m.Shape()
    except TypeError:
        pass
    else:
        raise AssertionError('abstract')
    assert isinstance(3, m.Shape) is False and m.Shape.register(int) is int and isinstance(3, m.Shape)
