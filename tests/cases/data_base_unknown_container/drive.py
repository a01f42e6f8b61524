from types import SimpleNamespace as S


def setup():
    import m
    m.ROWS['live'] = ['live']
    m.ROWS['row0'] = ['changed']
    return S(m=m, rows=m.ROWS)


def check(s):
    assert s.m.ROWS is s.rows
    assert s.rows['live'] == ['live'] and s.rows['extra'] == ['new']
    assert s.rows['row1'] == [1] * 40


def report(s, r):
    assert any(e['name'] == 'ROWS' and 'base unknown' in e['text'] for e in r['notes'] + r['kept'] + r['changed']), r['notes']
