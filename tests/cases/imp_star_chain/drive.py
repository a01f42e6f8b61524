from types import SimpleNamespace as S


def setup():
    import c
    return S(c=c)


def check(s):
    assert s.c.call() == 'f2' and s.c.fresh() == 'fresh' and s.c.B == 1
    assert not hasattr(s.c, 'GONE')
