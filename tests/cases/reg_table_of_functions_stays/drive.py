from types import SimpleNamespace as S


def setup():
    import hub, m, other
    return S(hub=hub, m=m, other=other, a=m.a)


def check(s):
    assert s.m.a is s.a and s.a() == 2
    assert s.hub.ALL == [s.a] and s.m.SIZE == 2, s.m.SIZE
    assert s.m.TABLE == {'a': s.a} and s.other.NAMES == {'a': s.a}, (s.m.TABLE, s.other.NAMES)
