from types import SimpleNamespace as S


def setup():
    import base, m
    return S(base=base, m=m, p=m.Player())


def check(s):
    assert s.p.go() == 3 and len(s.p) == 7
    assert s.p == s.m.Player() and s.p != s.base.Actor()
