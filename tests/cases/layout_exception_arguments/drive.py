from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, uni=m.Uni('u'))


def check(s):
    assert type(s.uni) is s.m.Uni and s.uni.args == ('u',) and not isinstance(s.uni, UnicodeError)


def report(s, r):
    assert [e['code'] for e in r['reasons']] == ['MF420'] and r['reasons'][0]['name'] == 'Uni', r['reasons']
