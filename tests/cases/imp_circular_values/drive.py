from types import SimpleNamespace as S


def setup():
    import a
    import b
    import p
    return S(a=a, b=b, p=p)


def check(s):
    assert (s.a.X, s.b.Y, s.a.Z) == (2, 12, 14), (s.a.X, s.b.Y, s.a.Z)
    assert s.a.Y == 12
    assert s.b.LIST == [12, 2], s.b.LIST
    p = s.p
    assert (p.second.VALUE, p.first.VALUE, p.VALUE) == (20, 120, 120)
    assert p.TOTAL == 122, p.TOTAL
