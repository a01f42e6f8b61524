from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, p=m.P(1), keys={m.P(2): 'two'})


def check(s):
    m = s.m
    assert s.p == (1, 10) and type(s.p) is m.P and s.p.y == 10
    (k,) = s.keys
    assert k == (2, 20) and s.keys[m.P(2, 20)] == 'two'
