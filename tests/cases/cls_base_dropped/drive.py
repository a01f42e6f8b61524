import weakref
from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, sub=m.Sub(), leaf=m.Leaf())


def check(s):
    m = s.m
    assert m.Sub.__bases__ == (object,) and not hasattr(s.sub, 'base')
    for obj in s.sub, s.leaf, m.Sub(), m.Leaf():
        n = obj.n
        assert obj.__dict__ == {'n': n} == vars(obj), obj.__dict__
        obj.__dict__['more'] = 3
        assert obj.more == 3 and obj.get() == n
        r = weakref.ref(obj)
        assert r() is obj and obj.__weakref__ is r
    assert '__dict__' in vars(m.Sub) and '__weakref__' in vars(m.Sub)
