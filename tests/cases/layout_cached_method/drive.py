from types import SimpleNamespace as S


def setup():
    import m
    p = m.P()
    assert p.c
    return S(m=m, p=p)


def check(s):
    p = s.p
