from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, odd=m.ODD, table=m.TABLE)


def check(s):
    assert s.m.LIMIT == 2 and s.m.ODD is s.odd
    assert s.m.TABLE is s.table and s.table['n'] == 2 and s.table['a'] is s.odd
    assert s.m.LIST[0] is s.odd and s.m.LIST[1:] == [2]
