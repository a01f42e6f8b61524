from types import SimpleNamespace as S


import weakref


def holder(key):
    def get():
        return key
    return get


def generator(key):
    yield key
    yield key


def setup():
    import m
    k = m.Key(1)
    gen = generator(k)
    next(gen)
    return S(m=m, k=k, table={k: 'v'}, group={k, m.Key(2)}, get=holder(k), ref=weakref.ref(k), deep=([{'x': (k,)}],), gen=gen,
             bound=k.__hash__, default=lambda x=k: x)


def check(s):
    k = s.k
    k.hits = 3
    assert k.n == 1 and type(k) is s.m.Key
    assert s.table[k] == 'v' and list(s.table)[0] is k and s.table[s.m.Key(1)] == 'v'
    assert k in s.group and any(x is k for x in s.group) and len(s.group) == 2
    assert s.get() is k and s.ref() is k and s.deep[0][0]['x'][0] is k and next(s.gen) is k
    assert s.bound() == hash(1) and s.bound.__self__ is k and s.default() is k
