from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.m.f is s.f
    assert s.f(2) == 4 and s.f.__annotations__ == {}
