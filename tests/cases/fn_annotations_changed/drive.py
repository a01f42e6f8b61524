from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f.__annotations__ == {'a': float, 'b': 'int', 'return': bytes}, s.f.__annotations__
    assert s.f(1.0) == b'1.0'
