from types import SimpleNamespace as S


def setup():
    import m
    made = m.Point(3)
    return S(m=m, made=made, makers=[m.Point])


def check(s):
    assert s.m.Point(1) == {'x': 1} == s.makers[0](1)
    assert type(s.made) is dict or s.made.get() == 3
