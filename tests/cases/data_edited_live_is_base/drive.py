from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, all=m.all)


def check(s):
    assert s.all() == (20, ('a', 'c'), b'y', 0.25, True, 'something', 40), s.all()
