from types import SimpleNamespace as S


def setup():
    import m, user
    return S(m=m, get=user.get)


def check(s):
    assert s.get() == ((1, 2), 8, [5])
