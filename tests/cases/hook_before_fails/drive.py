from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f() == 1


def report(s, r):
    assert any('ZeroDivisionError' in e['text'] for e in r['reasons']), r['reasons']
