from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    import sys
    assert s.f() is False and 'speedups' not in sys.modules
