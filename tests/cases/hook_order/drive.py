from types import SimpleNamespace as S


def setup():
    import top, log
    return S(top=top, log=log)


def check(s):
    assert s.log.CALLS == ['before top', 'before base', 'after base', 'after top'], s.log.CALLS
    assert s.top.V == 2 == s.top.base.V


def settle(s):
    """Each update adds to the program's list."""
    s.log.CALLS.clear()
