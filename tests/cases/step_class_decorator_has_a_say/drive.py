from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, User=m.User, u=m.User())


def check(s):
    assert s.u.fields == ['age', 'name'], s.u.fields
    assert s.m.User is s.User and isinstance(s.u, s.m.User)
    assert s.m.MODELS == [s.User]
