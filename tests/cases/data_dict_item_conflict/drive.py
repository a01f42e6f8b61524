from types import SimpleNamespace as S


def setup():
    import m
    m.LIMITS['b'] = 99
    m.LIMITS['a'] = 50
    return S(m=m, limits=m.LIMITS)


def check(s):
    assert s.m.LIMITS is s.limits and s.limits == {'a': 50, 'b': 2}, s.limits


def report(s, r):
    assert any('LIMITS' in (e['name'] or '') and '99' in e['text'] for e in r['changed'] + r['kept'] + r['notes'])
