import collections
import functools
import weakref
from types import SimpleNamespace as S


def setup():
    import m
    ps = [m.P(i) for i in range(50)]
    wk = weakref.WeakKeyDictionary((p, p.x) for p in ps)
    wv = weakref.WeakValueDictionary((p.x, p) for p in ps)
    ws = weakref.WeakSet(ps)
    log = []
    ref = weakref.ref(ps[0], lambda r: log.append('dead'))
    fin = weakref.finalize(ps[1], log.append, 'fin')
    class M: pass
    wm = weakref.WeakMethod(ps[2].__init__)
    @functools.lru_cache(maxsize=30)
    def f(p): return p.x
    for p in ps: f(p)
    @functools.lru_cache(maxsize=None)
    def g(p, q): return p
    for p in ps: g(p, ps[0])
    return S(m=m, ps=ps, wk=wk, wv=wv, ws=ws, log=log, ref=ref, fin=fin, wm=wm, f=f, g=g, d={p: p.x for p in ps}, t={(p, 1): p.x for p in ps}, st=set(ps), fs={frozenset([p]): 1 for p in ps}, od=collections.OrderedDict((p, p.x) for p in ps), ch={frozenset([(p, frozenset([p]))]): p.x for p in ps}, wr={weakref.ref(p): p.x for p in ps}, bm={p.__init__: p.x for p in ps})


def check(s):
    import gc
    gc.collect()
    assert s.log == []
    h = s.f.cache_info().hits
    for p in s.ps:
        assert s.d[p] == p.x and s.t[(p, 1)] == p.x and p in s.st and s.fs[frozenset([p])] == 1 and s.od[p] == p.x and p.y == 1
        assert s.ch[frozenset([(p, frozenset([p]))])] == p.x
        assert s.wk[p] == p.x and s.wv[p.x] is p and p in s.ws and s.wr[weakref.ref(p)] == p.x
        assert s.bm[p.__init__] == p.x
        assert s.g(p, s.ps[0]) is p
    for p in reversed(s.ps): s.f(p)
    assert len(s.wk) == 50 == len(s.wv) == len(s.ws)
    assert list(s.od) == s.ps and [s.od.popitem()[1] for _ in range(50)] == list(range(49, -1, -1))
    assert s.ref() is s.ps[0] and s.fin.peek()[0] is s.ps[1] and s.wm().__self__ is s.ps[2]
    for x in ('d', 't', 'st', 'fs', 'od', 'ch', 'bm', 'f', 'g'):
        delattr(s, x)
    del p
    del s.ps[:]
    gc.collect()
    assert sorted(s.log) == ['dead', 'fin'], s.log
    assert len(s.wk) == 0 == len(s.wv) == len(s.ws), len(s.wk)
