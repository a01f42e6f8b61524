from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f(1, 2) == [1, 2] and s.f.__annotations__['x'] == 'Thing | Other'
