from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, even=m.even)


def check(s):
    assert s.even(4) == 'yes' and s.even(3) == 'no'
