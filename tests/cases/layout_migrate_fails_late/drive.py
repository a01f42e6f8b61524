from types import SimpleNamespace as S


def setup():
    import m
    ps = [m.P(i) for i in range(1000)]
    return S(m=m, ps=ps, c=m.P, d={p: p.x for p in ps})


def check(s):
    pass


def unchanged(s):
    assert s.c is s.m.P and all(type(p) is s.c for p in s.ps) and not hasattr(s.ps[0], 'y') and [s.d[p] for p in s.ps] == list(range(1000))
    assert s.m.P.__slots__ == ('x',) and s.m.P.__subclasses__() == [] and not hasattr(s.m.P, '__migrate__')
    import gc
    gc.collect()
    assert sum(type(o) is s.c for o in gc.get_objects()) == 1000
    assert sum(isinstance(o, type) and o.__name__ == 'P' for o in gc.get_objects()) == 1
