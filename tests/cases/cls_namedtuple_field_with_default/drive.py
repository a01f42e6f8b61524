from types import SimpleNamespace as S


def setup():
    import m
    p = m.P(1)
    return S(m=m, p=p, table={'p': p}, points=[p, m.P(2)])


def check(s):
    assert s.p == (1, 7) and s.p.y == 7 and s.table['p'] is s.p
    assert s.points[1] == (2, 7) and type(s.points[1]) is s.m.P
