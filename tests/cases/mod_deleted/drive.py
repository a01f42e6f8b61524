from types import SimpleNamespace as S


def setup():
    import m, pkg
    return S(m=m, pkg=pkg, f=m.f)


def check(s):
    import sys
    assert s.f() == 'alone'
    assert 'pkg.helper' not in sys.modules and not hasattr(s.pkg, 'helper') and not hasattr(s.m, 'helper')
