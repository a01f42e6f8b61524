from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, check=m.check)


def check(s):
    assert s.m.check is s.check
    assert [mark.args for mark in s.check.marks] == [('slow', 2)], [mark.args for mark in s.check.marks]
