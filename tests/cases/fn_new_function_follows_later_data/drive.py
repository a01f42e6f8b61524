from types import SimpleNamespace as S

import gc


def setup():
    import m
    return S(m=m)


def check(s):
    reader = s.m.Reader()
    s.m.LEVEL = 42
    assert s.m.level() == 42 and reader.read() == 42


def settle(s):
    """The edit makes a class, undoing it removes it; a class without references is a cycle."""
    gc.collect()
