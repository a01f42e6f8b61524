from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, p=m.P(), r=m.R())


def check(s):
    assert s.p < s.m.P(2) and hash(s.p) == hash(s.m.P())
    assert repr(s.r).startswith('<m.R object') and s.r == s.m.R()
