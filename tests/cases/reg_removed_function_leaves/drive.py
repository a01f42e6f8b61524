from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m)


def check(s):
    assert [n for n, _, _ in s.hub.LIST] == ['help'], s.hub.LIST
    assert sorted(s.hub.TABLE) == ['h', 'help'], sorted(s.hub.TABLE)
