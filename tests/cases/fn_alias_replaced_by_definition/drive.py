from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f() == 'f' and s.m.f is s.f
    assert s.m.g() == 'g' and s.m.g is not s.f
