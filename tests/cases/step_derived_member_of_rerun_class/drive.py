from types import SimpleNamespace as S


def setup():
    import m
    m.A.other = 4
    return S(m=m, A=m.A)


def check(s):
    assert s.A is s.m.A and (s.A.kind, s.A.double, s.A.other) == ('b', 10, 4), (s.A.kind, s.A.double, s.A.other)
