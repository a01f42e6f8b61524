from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert s.m.MADE == ('one', 1, True), s.m.MADE


def check2(s):
    assert s.m.MADE == ('one', 2, True, 0), s.m.MADE
    assert s.m.OTHER == (s.m.lib.other, s.m.other)
