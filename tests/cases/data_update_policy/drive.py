from types import SimpleNamespace as S


def setup():
    import m
    m.TITLE = 'live'
    return S(m=m)


def check(s):
    assert (s.m.SCORE, s.m.TITLE, s.m.PLAIN) == (1, 'b', 2)
