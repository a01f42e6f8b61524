from types import SimpleNamespace as S


def setup():
    import a, b
    return S(a=a, b=b, unit=a.Unit())


def check(s):
    assert s.a.Unit is s.b.Unit is type(s.unit)
    assert s.unit.go() == 'b' and type(s.unit).__module__ == 'b'
