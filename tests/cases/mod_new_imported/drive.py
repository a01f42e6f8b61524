from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    import sys
    assert s.f() == ('g', 'newpkg.deep'), s.f()
    assert sys.modules['newpkg'].deep is sys.modules['newpkg.deep']
    assert s.m.helper is sys.modules['helper']
