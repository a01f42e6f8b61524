from types import SimpleNamespace as S

MOVED, LEFT = ('gone', 'made_again', 'redefined'), ('held',)


def setup():
    import m
    gens = {name: getattr(m, name)() for name in MOVED + LEFT}
    for gen in gens.values():
        assert next(gen) == ('old', 1)
    return S(m=m, gens=gens)


def report(s, r):
    assert {e['name'] for e in r['stragglers']} == set(LEFT), r['stragglers']


def check(s):
    assert next(s.gens['gone']) == ('new', 2)
    assert next(s.gens['made_again']) == ('new', 102)
    assert next(s.gens['held']) == ('old', 2) and s.m.HELD[0]() == 2 and len(s.m.HELD) == 2
    assert next(s.gens['redefined']) == ('new', 5)
