from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m, handlers=hub.HANDLERS)


def check(s):
    assert s.hub.fire() == ['a', 'b new', 'c'], s.hub.fire()
    assert [p for p, _ in s.handlers] == [1, 20, 3] and s.hub.HANDLERS is s.handlers
