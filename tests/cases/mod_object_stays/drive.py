from types import SimpleNamespace as S


import sys


def setup():
    import m
    m.attached = 'x'
    return S(m=m, ns=vars(m), spec=m.__spec__)


def check(s):
    assert sys.modules['m'] is s.m and vars(s.m) is s.ns
    assert s.m.__doc__ == 'New doc.' and s.m.A == 2 and s.m.attached == 'x'
    assert s.m.__name__ == 'm' and s.m.__spec__ is s.spec
