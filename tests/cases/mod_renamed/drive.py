from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f, thing=m.Thing())


def check(s):
    import sys
    assert s.f() == 'new' and 'old_name' not in sys.modules
    assert s.thing.go() == 'new' and isinstance(s.thing, s.m.Thing)
    assert type(s.thing).__module__ == 'new_name'
