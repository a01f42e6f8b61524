from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, P=m.P, ps=[m.P(1), m.P(2)])


def check(s):
    assert [p.x for p in s.ps] == [1, 2] and [p.z for p in s.ps] == [0, 0] and s.ps[0].base() == 'base'
    assert issubclass(s.m.P, s.m.Base) and isinstance(s.ps[0], s.m.Base) and s.m.Base.__subclasses__() == [s.m.P]
