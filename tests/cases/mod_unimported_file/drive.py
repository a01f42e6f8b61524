from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, expect=None)


def apply(s, update):
    import sys
    update()
    assert 'late' not in sys.modules


def check(s):
    import sys
    sys.modules.pop('late', None)
    assert open('late.py').read() == 'X = 2\n'
    assert s.m.f() == 2
