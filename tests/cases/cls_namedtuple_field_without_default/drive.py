from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, p=m.P(1), P=m.P)


def check(s):
    assert s.m.P is s.P and s.p == (1,) and s.m.version() == 1
    assert s.P._fields == ('x',) and s.P(2).x == 2


def report(s, r):
    assert any('P' in (e['name'] or '') or 'P' in e['text'] for e in r['reasons']), r['reasons']
