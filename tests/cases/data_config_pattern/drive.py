from types import SimpleNamespace as S


def setup():
    import m
    m.FORCE = 'live'
    return S(m=m, b=m.KEEP_B)


def check(s):
    assert (s.m.KEEP_A, s.m.FORCE, s.m.REST) == (1, 'b', 2)
    assert s.m.KEEP_B is s.b == [1]
