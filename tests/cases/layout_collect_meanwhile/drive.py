from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, ps=[m.P(i) for i in range(5)])


def check(s):
    import gc
    gc.collect()
    assert s.m.LOG == []
    del s.ps[:]
    gc.collect()
    assert sorted(s.m.LOG) == [(i, 5) for i in range(5)], s.m.LOG
