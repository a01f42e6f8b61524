from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, b=m.B(), who=m.B().who)


def check(s):
    assert s.b.who() == 'A' and s.b.limit == 1
    assert 'who' not in vars(s.m.B)
