from types import SimpleNamespace as S


import itertools


def setup():
    import m
    c = m.Cursor()
    next(c)
    return S(m=m, c=c, sliced=itertools.islice(map(lambda x: x, c), 5))


def check(s):
    assert next(s.sliced) == ('new', 2)
    with s.c:
        pass
    assert s.c.n == 'new exit'
