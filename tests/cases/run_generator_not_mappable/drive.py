from types import SimpleNamespace as S


def setup():
    import m
    gen = m.items()
    next(gen)
    return S(m=m, gen=gen)


def check(s):
    assert list(s.gen) == ['old 2']
    assert list(s.m.items()) == ['new 0', 'new 1', 'new 2']


def report(s, r):
    assert any(e['name'] == 'items' for e in r['stragglers']), r['stragglers']
