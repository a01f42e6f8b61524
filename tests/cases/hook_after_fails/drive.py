from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f() == 2


def report(s, r):
    assert any('KeyError' in e['text'] for e in r['notes'] + r['kept'] + r['reasons']), r
