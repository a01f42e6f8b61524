import weakref
from types import SimpleNamespace as S


def setup():
    import m
    p = m.P()
    p.x = 1
    return S(m=m, p=p, r=weakref.ref(p))


def check(s): pass


def unchanged(s):
    assert s.r() is s.p and s.p.x == 1
