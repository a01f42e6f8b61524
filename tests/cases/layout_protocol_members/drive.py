from types import SimpleNamespace as S


def setup():
    import m
    a, b = m.A(), m.B()
    assert isinstance(a, m.Named) and isinstance(b, m.Named)
    return S(m=m, a=a, b=b, e=m.Explicit())


def check(s):
    m = s.m
    assert not isinstance(s.a, m.Named) and isinstance(s.b, m.Named)
    assert type(s.e) is m.Explicit and isinstance(s.e, m.Named) and s.e.cache == 0
    assert type(s.b) is m.B and m.Named in m.B.__mro__


def check2(s):
    m = s.m
    assert isinstance(s.a, m.Named) and isinstance(s.b, m.Named) and m.Named not in m.B.__mro__
    assert type(s.e) is m.Explicit and isinstance(s.e, m.Named)
