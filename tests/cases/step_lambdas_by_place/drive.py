from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, pair=m.PAIR, add=m.PAIR[0], mul=m.PAIR[1])


def check(s):
    assert (s.add(1), s.mul(1)) == (3, 20), (s.add(1), s.mul(1))
    assert s.m.PAIR[0] is s.add and s.m.PAIR[1] is s.mul
