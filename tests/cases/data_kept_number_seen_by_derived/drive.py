from types import SimpleNamespace as S


def setup():
    import m
    m.LIMIT = 7
    m.QUOTA = 10
    return S(m=m)


def check(s):
    m = s.m
    assert m.LIMIT == 7 and m.DOUBLE == 14 and m.TEXT == "at most 7", (m.LIMIT, m.DOUBLE, m.TEXT)
    assert m.QUOTA == 10 and m.HALF == [5], m.HALF
