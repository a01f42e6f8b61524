from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f() == 1 and not hasattr(s.m, 'THREAD')


def report(s, r):
    assert any('thread' in e['text'].lower() for e in r['notes'] + r['reasons']), r['notes']
