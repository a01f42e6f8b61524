from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, a=m.Shop('a'))


def check(s):
    assert s.a.name == 'a' and not hasattr(s.a, 'discount')


def report(s, r):
    assert not hasattr(s.a, 'lucky')
    assert any('lucky' in e['text'] for e in r['notes'] + r['kept']), r['notes']
    assert hasattr(s.m.Shop('b'), 'lucky')
