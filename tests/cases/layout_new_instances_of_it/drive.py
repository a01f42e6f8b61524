from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, live=m.P(7, 8), origin=m.ORIGIN, table=m.TABLE, N=m.N)


def check(s):
    m = s.m
    assert type(s.live) is m.P and (s.live.x, s.live.y, s.live.z) == (7, 8, 0)
    assert type(m.FAR) is m.P and m.FAR.z == 3 and m.FAR.sum() == 6
    assert isinstance(m.NAMED, m.P) and type(m.NAMED) is m.Q and m.NAMED.name == 'q' and m.NAMED.z == 9
    assert type(m.ORIGIN) is m.P and m.ORIGIN.sum() == 10
    assert [type(p) for p in m.TABLE.values()] == [m.P] * 3, m.TABLE
    assert m.TABLE is s.table and m.TABLE['b'].z == 5 and m.TABLE['a'].x == 1
    assert {m.FAR: 1}[m.P(1, 2, 3)] == 1
    assert m.KINDS == [m.P, m.Q], m.KINDS
    assert type(m.N.head) is m.Node and m.N.head.next.next is m.N.head and m.N.head.more == {}
    m.FAR.z = 1
    assert m.P.make().sum() == 3


def check2(s):
    m = s.m
    assert not hasattr(m.FAR, 'z') and type(m.FAR) is m.P and m.FAR.x == 1
    assert type(s.live) is m.P and not hasattr(s.live, 'z')
