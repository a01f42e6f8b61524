from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert (s.m.f(), s.m.g()) == ('lib 2', 'own g'), (s.m.f(), s.m.g())
