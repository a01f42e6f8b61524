from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, one=m.Card(1), two=m.Card(2))


def check(s):
    assert s.one > s.two and s.two < s.one and s.one >= s.two and s.two <= s.one
