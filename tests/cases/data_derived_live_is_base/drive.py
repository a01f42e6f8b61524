from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, sizes=m.SIZES)


def check(s):
    assert s.m.AREA == 25 and s.m.SIZES is s.sizes == [5, 25], s.sizes
