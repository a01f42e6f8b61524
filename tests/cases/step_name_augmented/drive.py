from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert (s.m.n, s.m.AT_TWO, s.m.AT_THREE) == (3, 200, 300), (s.m.n, s.m.AT_TWO, s.m.AT_THREE)
