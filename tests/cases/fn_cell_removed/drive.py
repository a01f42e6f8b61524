from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, kept=m.KEPT, live=m.make('x', 'y'))


def check(s):
    assert s.live() == ('only', 'y'), s.live()
    assert s.kept() == ('only', 2) and s.m.KEPT is s.kept
