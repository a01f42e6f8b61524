from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, alone=m.Alone(), whole=m.Whole())


def check(s):
    assert s.alone.get(5) == ('descriptor', 1, 5), s.alone.get(5)
    assert s.m.Alone.make(5) == ('called', 0, 5) or s.m.Alone.make(5) == ('descriptor', 0, 5), s.m.Alone.make(5)
    assert s.whole.get(5) == ('descriptor', 2, 5), s.whole.get(5)
    assert s.whole.more(5) == ('descriptor', 2, 5), s.whole.more(5)
