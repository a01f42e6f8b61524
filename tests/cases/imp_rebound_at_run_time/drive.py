from types import SimpleNamespace as S


def setup():
    import m
    m.set_level(50)
    return S(m=m, get=m.get)


def check(s):
    assert s.get() == (50, 2), s.get()
