from types import SimpleNamespace as S

NAMES = ('its_own_statement', 'renamed', 'head', 'in_finally', 'wrapped', 'new_value', 'twice', 'as_lambda')


def setup():
    import m
    gens = {name: getattr(m, name)() for name in NAMES}
    for gen in gens.values():
        next(gen)
    return S(m=m, gens=gens)


def check(s):
    for name, gen in s.gens.items():
        rest = list(gen)
        assert rest == ['old'], (name, rest)
        first, *rest = getattr(s.m, name)()
        assert rest[-1] == 'new', (name, rest)


def report(s, r):
    told = {e['name'] for e in r['stragglers']}
    assert told >= set(NAMES) - {'as_lambda'}, told
