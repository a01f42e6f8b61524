from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    import sys
    assert s.m.answer == ('new', 2), s.m.answer
    assert sys.modules['m'] is s.m and type(s.m) is s.m.Lazy
