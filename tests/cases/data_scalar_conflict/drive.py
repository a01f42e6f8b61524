from types import SimpleNamespace as S


def setup():
    import m
    if m.SPEED == 1:
        m.SPEED = 37
    return S(m=m)


def check(s):
    assert s.m.SPEED == 5


def report(s, r):
    assert any(e['name'] == 'SPEED' and '37' in e['text'] for e in r['changed'] + r['kept'] + r['notes']), r['changed']
