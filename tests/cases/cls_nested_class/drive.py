from types import SimpleNamespace as S


def setup():
    import m
    outer = m.Outer()
    return S(m=m, outer=outer, inner=outer.make(), Inner=m.Outer.Inner)


def check(s):
    assert s.inner.go() == 'new' and s.inner.extra() == 'extra'
    assert s.m.Outer.Inner is s.Inner is type(s.inner)
