from types import SimpleNamespace as S


def setup():
    import m, weakref
    ps = [m.P(i) for i in range(20)]
    return S(m=m, ps=ps, w=weakref.WeakKeyDictionary({p: p.x for p in ps}))


def check(s):
    assert [p.x for p in s.ps] == list(range(20)) and all(p.tags == [] for p in s.ps)
    assert s.ps[0].tags is not s.ps[1].tags and vars(s.ps[4]) == {'x': 4, 'tags': []}
    assert [s.w[p] for p in s.ps] == list(range(20)) and len(s.w) == 20
    s.ps[0].anything = 1
