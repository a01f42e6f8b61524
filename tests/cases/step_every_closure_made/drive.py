from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, adds=[m.adder(i) for i in range(50)], keep={'k': m.adder(7)})


def check(s):
    assert [f(1) for f in s.adds] == [(1 + i) * 100 for i in range(50)]
    assert s.keep['k'](0) == 700
    assert s.m.adder(1)(1) == 200
