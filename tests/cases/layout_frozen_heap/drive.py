import gc
from types import SimpleNamespace as S


def setup():
    import m
    ps = [m.P(i) for i in range(5)]
    s = S(m=m, ps=ps, d={p: 1 for p in ps})
    gc.collect()
    gc.freeze()
    return s


def check(s):
    assert all(p.y == 1 and s.d[p] == 1 for p in s.ps)
    gc.unfreeze()
