from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, first=m.first)


def check(s):
    import datetime, decimal
    assert s.first('ab12') == 'ab'
    assert str(s.m.HOME) == '/home/b' and s.m.DAY.year == 2021 and str(s.m.TAX) == '0.20' and s.m.THIRD.numerator == 2
    assert s.m.ALL == (datetime.date(2021, 1, 2), decimal.Decimal('0.20')), s.m.ALL


def report(s, r):
    assert not any('unknown' in e['text'] for e in r['notes']), r['notes']
