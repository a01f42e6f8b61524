from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, table=m.TABLE, c=m.C())


def check(s):
    assert s.m.TABLE is s.table == {'a': 1} and s.m.LEVEL == 1 and s.m.FRESH == 3
    assert s.c.f() == 2 and s.c.level == 1 and s.c.table == [1]
