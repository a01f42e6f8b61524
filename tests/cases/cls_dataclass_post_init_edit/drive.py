from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, r=m.Rect(1, 2), Rect=m.Rect, init=m.Rect.__init__)


def check(s):
    assert s.m.Rect is s.Rect and s.Rect.__init__ is s.init
    assert s.Rect(2, 3).area == 600
