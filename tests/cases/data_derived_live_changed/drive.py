from types import SimpleNamespace as S


def setup():
    import m
    m.AREA = 1000
    return S(m=m)


def check(s):
    assert s.m.width() == 5 and s.m.AREA == 1000


def report(s, r):
    assert any(e['name'] == 'AREA' for e in r['kept'] + r['notes']), r['kept']
