from types import SimpleNamespace as S


def setup():
    import m
    inc = m.inc
    table = m.TABLE
    return S(m=m, inc=inc, table=table)


def check(s):
    m, inc, table = s.m, s.inc, s.table
    assert inc(2) == 30 and m.inc is inc and (m.TABLE is table)
    assert m.TABLE['inc'] is m.inc
