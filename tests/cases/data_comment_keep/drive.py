from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, store=m.STORE)


def check(s):
    assert s.m.LEVEL == 1 and s.m.X == 2
    assert s.m.STORE is s.store == {'a': 1}
