from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, unit=m.Unit(), cls=m.Unit)


def check(s):
    assert s.m.Unit is s.cls and type(s.unit) is s.cls
    assert s.unit.go() == 'v2' and s.unit.number == 2, s.unit.go()
