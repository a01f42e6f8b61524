from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m)


def check(s):
    assert sorted(s.hub.SEEN) == ['extra', 'm'], s.hub.SEEN
    assert s.m.extra.f() == 'extra'
