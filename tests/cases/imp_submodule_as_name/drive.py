from types import SimpleNamespace as S


def setup():
    import m
    return S(get=m.get)


def check(s):
    assert s.get() == (2, 'f2', True)
