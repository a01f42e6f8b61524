from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, row=m.Row())


def check(s):
    assert s.row.title == 'Row.title', s.row.title
    assert type(s.row) is s.m.Row
