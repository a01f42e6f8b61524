import weakref
from types import SimpleNamespace as S


def setup():
    import m
    a, b = m.A(), m.B()
    a.x, b.x, b.more = 1, 2, 3
    return S(m=m, a=a, b=b, holder=[a, b], attrs=b.__dict__)


def check(s):
    m = s.m
    assert type(s.a) is m.A and s.a.x == 1 and weakref.ref(s.a)() is s.a and s.holder[0] is s.a
    assert type(s.b) is m.B and s.b.x == 2 and s.holder[1] is s.b
    assert not hasattr(s.b, '__dict__') and not hasattr(s.b, 'more')
    try:
        weakref.ref(s.b)
    except TypeError:
        pass
    else:
        raise AssertionError('no weak references any more')


def check2(s):
    m = s.m
    assert type(s.a) is m.A and s.a.x == 1
    try:
        weakref.ref(s.a)
    except TypeError:
        pass
    else:
        raise AssertionError('no weak references any more')
    assert s.b.x == 2 and s.b.__dict__ == {'x': 2} or s.b.__dict__ == {'x': 2, 'more': 3}
    assert weakref.ref(s.b)() is s.b
