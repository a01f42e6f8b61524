from types import SimpleNamespace as S


def setup():
    import m
    m.Registry.table['live'] = 9
    m.Registry.count = 12
    return S(m=m, r=m.Registry(), table=m.Registry.table)


def check(s):
    assert s.m.Registry.table is s.table == {'a': 1, 'b': 3, 'c': 4, 'live': 9}, s.table
    assert s.r.get('c') == 4 and s.m.Registry.count == 12
