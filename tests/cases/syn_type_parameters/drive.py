from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, first=m.first, box=m.Box(1), Box=m.Box)


def check(s):
    assert s.first((1, 2)) == ('first', 1) and s.box.get(5) == 5
    assert s.m.Box is s.Box and len(s.m.Pair.__value__.__args__) == 3
