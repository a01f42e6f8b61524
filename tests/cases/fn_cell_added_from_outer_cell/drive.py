from types import SimpleNamespace as S


def setup():
    import m
    get, both = m.make('n', 3)
    return S(m=m, get=get, both=both)


def report(s, r):
    stuck = s.get() == 'n'
    assert not stuck or r['stragglers'] or r['notes'] or r['kept'], 'a closure keeps its old code and nobody says so'


def check(s):
    assert s.both() == ('n', 3)
    assert s.m.make('x', 1)[0]() == ('x', 1)
