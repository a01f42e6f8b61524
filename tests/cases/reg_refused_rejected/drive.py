from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m, table=list(hub.TABLE.items()), routes=list(hub.ROUTES))


def check(s):
    assert list(s.hub.TABLE.items()) == s.table, s.hub.TABLE
    assert s.hub.ROUTES == s.routes, s.hub.ROUTES
    assert s.m.a() == s.m.b() == s.m.gone() == 1
