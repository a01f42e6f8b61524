from types import SimpleNamespace as S


def setup():
    import m
    gens = {name: getattr(m, name)(m.LOG) for name in ('in_with', 'in_handler', 'in_else', 'in_two_loops', 'from_other')}
    for gen in gens.values():
        next(gen)
    return S(m=m, gens=gens)


def check(s):
    assert list(s.gens['in_with']) == [('old', 'a', 1), ('old', 'b', 0), ('old', 'b', 1)], s.m.LOG
    assert s.m.LOG == ['enter a', 'enter b', 'leave b new', 'leave a new'], s.m.LOG
    assert list(s.gens['in_handler']) == ['new: first']
    assert list(s.gens['in_else']) == ['new else']
    assert list(s.gens['in_two_loops']) == [(0, 1, 'new'), (1, 0, 'new'), (1, 1, 'new')]
    assert list(s.gens['from_other']) == [1, 2, 'new end']


def report(s, r):
    assert not r['stragglers'], r['stragglers']
