from types import SimpleNamespace as S


def setup():
    import m, weakref
    ps = [m.P(i) for i in range(3)]
    calls = []
    return S(m=m, ps=ps, calls=calls, w=weakref.ref(ps[0], calls.append))


def check(s):
    import gc
    gc.collect()
    assert s.m.GONE == [] and s.calls == [] and s.w() is s.ps[0]
    del s.ps[0]
    gc.collect()
    assert s.m.GONE == [0] and s.calls == [s.w], (s.m.GONE, s.calls)
