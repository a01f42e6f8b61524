from types import SimpleNamespace as S


def setup():
    import m
    m.Shape.register(m.Square)
    m.Shape.register(int)
    return S(m=m, sq=m.Square())


def check(s):
    assert isinstance(s.sq, s.m.Shape) and issubclass(int, s.m.Shape)
    assert s.m.Shape.area(None) == 1 and s.sq.side == 1
