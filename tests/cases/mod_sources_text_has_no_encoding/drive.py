from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def apply(s, update):
    with open('m.py', encoding='latin-1') as f:
        update(sources={'m': f.read()})


def check(s):
    assert s.m.WORD == '\xe4', ascii(s.m.WORD)
