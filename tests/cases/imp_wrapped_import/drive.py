from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, fetch=m.fetch)


def check(s):
    assert s.fetch() == 'wrapped v2' and s.m.fetch is s.fetch
