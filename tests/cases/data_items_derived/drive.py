from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, held=(m.T, m.L, m.St))


def check(s):
    assert s.held == ({'n': 5, 'm': 10}, [5, 5, 5], {5}), s.held
    assert s.held[0] is s.m.T and s.held[1] is s.m.L and s.held[2] is s.m.St
