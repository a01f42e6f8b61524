from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    reader = s.m.Reader()
    s.m.LEVEL = 42
    assert s.m.level() == 42 and reader.read() == 42
