from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def check(s):
    assert s.f() == 3 and s.f is s.m.f
    assert s.m.helper.__globals__ is vars(s.m), 'a new function must live in the module'
