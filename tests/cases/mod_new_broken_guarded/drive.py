import sys
from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert (s.m.X, s.m.newmod) == (2, None)
    assert 'newmod' not in sys.modules
