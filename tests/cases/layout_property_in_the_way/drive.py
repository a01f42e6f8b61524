from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, p=m.P())


def check(s):
    assert s.m.LOG == [], s.m.LOG
    assert s.p.y == 2 and s.p.x == 5
