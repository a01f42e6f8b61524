from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m, a=m.a)


def check(s):
    assert s.hub.ROUTES == {'/a': s.a} and s.hub.ORDER == ['/a'], s.hub.ROUTES
    assert s.a() == 'a1' and s.m.a is s.a and not hasattr(s.m, 'b')


def check2(s):
    assert sorted(s.hub.ROUTES) == ['/a', '/b'] and s.hub.ORDER == ['/a', '/b'], s.hub.ORDER
    assert s.hub.ROUTES['/a'] is s.a is s.m.a and s.a() == 'a2' and s.hub.ROUTES['/b']() == 'b2'
