from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, h=m.Holder())


def check(s):
    assert s.h.names == ['b', 'c', 'd'] and s.h.names is s.m.NAMES
    assert s.h.table == {'x': 2, 'y': 3} and s.h.table is s.m.TABLE
    assert s.h.set == {2, 3} and s.h.set is s.m.SET
