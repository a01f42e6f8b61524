from types import SimpleNamespace as S


def setup():
    import m
    gen = m.count()
    next(gen), next(gen)
    return S(m=m, gen=gen)


def check(s):
    assert next(s.gen) == ('old', 12), 'the generator must go on in the new code with its locals'
    assert next(s.m.count()) == ('old', 10)


def report(s, r):
    assert s.gen.gi_code is s.m.count.__code__
