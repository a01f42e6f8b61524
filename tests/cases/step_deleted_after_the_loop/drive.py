from types import SimpleNamespace as S


def setup():
    import m
    n = m.NAMES
    return S(m=m, n=n)


def check(s):
    m = s.m
    assert m.TOTAL == 10 and (not hasattr(m, 'i')) and (m.NAMES == ['a', 'b']), (m.TOTAL, m.NAMES)


def check2(s):
    m = s.m
    assert m.NAMES == ['z', 'b'], m.NAMES


def check3(s):
    m = s.m
    assert m.X == 9 and m.Y == [8, 7, 6] and (m.TOTAL == 10)
