from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f(0) == 2
    assert s.f.__annotations__ == {'a': 'Missing', 'return': 'AlsoMissing'}
