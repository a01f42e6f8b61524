from types import SimpleNamespace as S


def setup():
    import m
    m.TABLE['live'] = 1
    m.N = 50
    return S(m=m)


def check(s):
    assert s.m.TABLE == {'a': 2} and s.m.N == 2, (s.m.TABLE, s.m.N)
