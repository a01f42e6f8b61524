from types import SimpleNamespace as S


def setup():
    import m
    gen = m.names()
    next(gen)
    return S(m=m, gen=gen, items=iter(m.TABLE.items()))


def check(s):
    assert list(s.gen) == ['b', 'c']
    assert dict(s.items)['y'] == 3
