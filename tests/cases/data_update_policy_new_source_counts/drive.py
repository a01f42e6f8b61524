from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert (s.m.A, s.m.B) == (2, 1), (s.m.A, s.m.B)
    assert s.m.__update_policy__ == {'B': 'keep'}
