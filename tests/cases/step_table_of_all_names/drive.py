from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, table=m.COMMANDS)


def check(s):
    assert sorted(s.table) == ['go', 'look', 'say'] and s.table is s.m.COMMANDS, s.table
    assert s.m.run('look') == 'look2' and s.table['say'] is s.m.cmd_say


def check2(s):
    assert sorted(s.table) == ['go', 'look'] and s.m.run('look') == 'look1', s.table
