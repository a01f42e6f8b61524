from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, table={'go': [m.go]})


def check(s):
    assert s.m.go() == ('command', 1)
    assert s.table['go'][0] is s.m.go
