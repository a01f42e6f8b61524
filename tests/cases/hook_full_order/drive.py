from types import SimpleNamespace as S


def setup():
    import m, log
    return S(m=m, log=log, user=m.User(), version=m.version)


def check(s):
    assert [c[0] for c in s.log.CALLS] == ['before', 'migrate', 'after'], s.log.CALLS
    assert s.log.CALLS[0] == ('before', 1) and s.log.CALLS[2] == ('after', 2)


def settle(s):
    """Each update adds to the program's list."""
    s.log.CALLS.clear()
