from types import SimpleNamespace as S


def setup():
    import hub, m
    live = lambda: 'live'
    hub.HANDLERS.insert(1, live)
    hub.HANDLERS.append(live)
    hub.enable(m.a)
    return S(hub=hub, m=m, live=live)


def check(s):
    assert [f() for f in s.hub.HANDLERS] == [('a', 2), 'live', ('b', 1), 'live'], [f() for f in s.hub.HANDLERS]
    assert s.hub.ACTIVE == {'a': s.m.a} and s.hub.ACTIVE['a']() == ('a', 2)
