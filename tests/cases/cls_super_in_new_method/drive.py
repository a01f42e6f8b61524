from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, c=m.C(), hi=m.C().hi)


def check(s):
    assert s.c.hi() == ['C2', 'B2', 'A2'], s.c.hi()
    assert s.c.me() is s.m.B
