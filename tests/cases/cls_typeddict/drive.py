from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, row=m.Row(id=1), Row=m.Row)


def check(s):
    assert s.row == {'id': 1} and type(s.row) is dict
    assert set(s.m.Row.__annotations__) == {'id', 'name'}
    assert s.m.Row.__total__ is False and s.m.Row is s.Row
