from types import SimpleNamespace as S


def setup():
    import m
    m.area(2), m.other(5)
    return S(m=m, area=m.area)


def check(s):
    assert s.area(2) == 40 == s.m.area(2), s.area(2)
    assert s.m.area is s.area
    assert s.m.other.cache_info().currsize == 1
