from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m, routes=hub.ROUTES)


def check(s):
    assert s.hub.ROUTES is s.routes
    assert sorted(s.routes) == ['/new', '/other'], sorted(s.routes)
    assert s.routes['/new'] is s.m.page
