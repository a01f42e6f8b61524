from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, screen=m.Screen(), small=m.Small())


def check(s):
    assert s.screen.size() == (100, 100, 25), s.screen.size()
    assert (s.screen.area, s.small.w, s.m.TOTAL, s.m.Screen.table[1]) == (2500, 50, 2550, 100)
