from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, order=m.order, key=m.key)


def check(s):
    assert s.order([1, 3, 2]) == [3, 2, 1]
    assert s.order.__defaults__ == (s.key,) and s.m.key is s.key
