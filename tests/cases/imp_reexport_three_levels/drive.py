from types import SimpleNamespace as S


def setup():
    import m, pkg
    return S(m=m, pkg=pkg, obj=m.Klass())


def check(s):
    assert s.m.get() == (2, 2) and s.pkg.number == 2 and s.obj.v() == 2
