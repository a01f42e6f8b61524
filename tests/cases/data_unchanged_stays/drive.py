from types import SimpleNamespace as S


def setup():
    import m
    m.COUNT = 7
    m.CACHE['k'] = 1
    m.NAME = None
    return S(m=m, cache=m.CACHE)


def check(s):
    assert (s.m.COUNT, s.m.NAME, s.m.f()) == (7, None, 2)
    assert s.m.CACHE is s.cache == {'k': 1}
