from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, a=m.a, routes=m.ROUTES)


def check(s):
    assert s.a() == 5 and s.routes['/a']() == 5
    assert s.m.ROUTES is s.routes and s.routes['/a'] is s.a is s.m.a
    assert list(s.routes) == ['/a', '/b']
    assert s.probe.ticks('/b') == 1
