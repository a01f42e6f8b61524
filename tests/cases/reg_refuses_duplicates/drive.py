from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m, table=hub.TABLE, routes=hub.ROUTES, a=m.a, X=m.X, Y=m.Y, m_=m.Tool.m)


def check(s):
    h, m = s.hub, s.m
    assert h.TABLE is s.table and h.ROUTES is s.routes
    assert list(h.TABLE) == ['a', 'b', 'old', 'm'], list(h.TABLE)
    assert h.TABLE['a'] is m.a is s.a and m.a() == 2
    assert h.TABLE['old'] is m.new_name and m.new_name() == 3
    assert h.TABLE['m'] is m.Tool.m is s.m_ and m.Tool().m() == 5
    assert h.ROUTES == [('/a', m.a), ('/b', m.b)], h.ROUTES
    assert h.KINDS == {'X': m.X, 'Y': m.Y} and list(h.KINDS) == ['X', 'Y'], h.KINDS
    assert m.X is s.X and m.X.size == 2 and m.Y is s.Y
