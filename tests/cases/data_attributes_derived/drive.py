from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, view=m.view)


def values(s):
    return s.view.label, s.view.tags, s.m.K.label, s.m.K.meta


def check(s):
    assert values(s) == ('b', ['x', 'b'], 'b', {'l': 'b'}), values(s)
    s.m.K.label = 'live'


def check2(s):
    assert values(s) == ('a', ['x', 'a'], 'live', {'l': 'a'}), values(s)


def report2(s, r):
    assert [n['code'] for n in r['notes']] == ['MF301'], r['notes']
