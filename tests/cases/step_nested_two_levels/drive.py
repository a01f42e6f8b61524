from types import SimpleNamespace as S


def setup():
    import m
    middle = m.outer(1)
    return S(m=m, middle=middle, inner=middle(2))


def check(s):
    assert s.inner(3) == (3, 2, 1), s.inner(3)
    assert s.middle(5)(6) == (6, 5, 1)
    assert s.m.outer(0)(0)(9) == (9, 0, 0)
