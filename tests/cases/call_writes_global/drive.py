from types import SimpleNamespace as S


def setup():
    import hub
    import m
    hub.bump()
    m.A()
    return S(m=m, hub=hub)


def check(s):
    assert s.m.X == (2, 2), s.m.X
    assert s.hub.N == 2 and s.m.C == 2, (s.hub.N, s.m.C)
