from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, both=m.both)


def check(s):
    assert s.both() == ('first-2', 'second'), s.both()
