from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, get=m.make('n', 3))


def check(s):
    assert s.m.make('x', 1)() == ('x', 1)


def report(s, r):
    if s.get() == 'n':
        assert r['stragglers'] or r['notes'] or r['kept'], 'a closure keeps its old code and nobody says so'
    else:
        assert s.get() == ('n', 3)
