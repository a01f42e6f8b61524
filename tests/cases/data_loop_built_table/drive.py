from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, get=m.get, table=m.TABLE)


def check(s):
    assert s.get(2) == 'w2' and s.m.TABLE is s.table, s.table
