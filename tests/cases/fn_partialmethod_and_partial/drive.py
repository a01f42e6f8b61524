from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, double=m.double, tool=m.Tool(), set_a=m.Tool().set_a)


def check(s):
    assert s.double(2) == 4.5 and s.m.double is s.double
    assert s.tool.set_a(1) == ('A', 1) == s.set_a(1)
