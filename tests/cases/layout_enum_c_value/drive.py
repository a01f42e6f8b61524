import datetime
from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, day=m.Day.FIRST)


def check(s):
    m = s.m
    assert m.Day.FIRST is s.day and s.day == datetime.date(2020, 1, 1) and s.day.year == 2020


def report(s, r):
    assert [e['code'] for e in r['reasons']] == ['MF421'] and r['reasons'][0]['name'] == 'Day', r['reasons']


def check2(s):
    check(s)
