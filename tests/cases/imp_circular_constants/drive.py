from types import SimpleNamespace as S


def setup():
    import a
    return S(a=a, get=a.get)


def check(s):
    assert s.get() == (10, 5, 15), s.get()
