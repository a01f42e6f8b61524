from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    assert s.m.CALLS == [('before', 1), ('after', 2)], s.m.CALLS


def settle(s):
    """Each update adds to the program's list."""
    s.m.CALLS.clear()
