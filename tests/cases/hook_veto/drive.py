from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f() == 1 and hasattr(s.m, '__before_update__')


def report(s, r):
    assert any('a game is on' in e['text'] for e in r['reasons']), r['reasons']
