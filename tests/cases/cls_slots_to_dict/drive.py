from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, p=m.P(1), q=m.Q(2))


def check(s):
    s.p.anything = 5
    assert (s.p.x, s.q.x, s.p.anything) == (1, 2, 5)
    assert type(s.p) is s.m.P and isinstance(s.q, s.m.P)
