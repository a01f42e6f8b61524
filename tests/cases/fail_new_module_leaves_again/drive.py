from types import SimpleNamespace as S


def setup():
    import m, pkg
    return S(m=m, pkg=pkg, f=m.f)


def check(s):
    import sys
    assert s.f() == 'old' and 'pkg.extra' not in sys.modules and not hasattr(s.pkg, 'extra')


def check2(s):
    assert s.f() == ('new', 1)
