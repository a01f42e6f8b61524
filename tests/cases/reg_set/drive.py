from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m, listeners=hub.LISTENERS)


def check(s):
    assert sorted(f() for f in s.listeners) == [3, 10], [f() for f in s.listeners]
    assert s.m.one in s.listeners
