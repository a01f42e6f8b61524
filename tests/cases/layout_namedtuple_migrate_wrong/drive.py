from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, p=m.P(1), keys={m.P(2): 'two'})


def check(s):
    m = s.m
    assert s.p == (1,) and type(s.p) is m.P and m.P._fields == ('x',)
    assert s.keys[m.P(2)] == 'two'


check2 = check


def report(s, r):
    text = ' '.join(e['text'] for e in r['reasons'])
    assert 'P(1,)' in text or 'P(2,)' in text, text
    assert "'y'" in text or '__migrate__' in text, text


report2 = report
