from types import SimpleNamespace as S


def setup():
    import a, other
    return S(a=a, other=other, f=a.f, g=other.g)


def check(s):
    assert s.f() == 'a1'


def check2(s):
    assert s.f() == 'a1' and s.g() == 'g2'


def check3(s):
    assert s.f() == 'a3' and s.g() == 'g2'
