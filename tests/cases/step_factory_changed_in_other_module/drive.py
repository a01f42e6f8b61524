from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert s.m.WORDS == ('<A>', '<B>'), s.m.WORDS
