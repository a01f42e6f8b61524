from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert s.m.n == 1 and s.m.SMALL and not hasattr(s.m, 'BIG')
    assert s.m.DATA == [4] and s.m.f([1, 2]) == [3, 4]
