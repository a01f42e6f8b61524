from types import SimpleNamespace as S


def setup():
    import m
    m.STATE['n'] = 42
    m.CALLS.clear()
    return S(m=m, calls=m.CALLS)


def check(s):
    assert s.m.CALLS is s.calls
    assert s.calls == ['before old', ('after new', 42, 'committed')], s.calls


def settle(s):
    """Each update adds to the program's list."""
    s.calls.clear()
