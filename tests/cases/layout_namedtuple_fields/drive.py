from types import SimpleNamespace as S


def setup():
    import m
    p, q = m.P(1, 2), m.P(3, 4)
    sub = m.Sub(5, 6)
    sub.note = 'kept'
    return S(m=m, p=p, table={p: 'p', (p, q): 'pq', 'k': q}, names={p, sub}, sub=sub, more=m.More(1), P=m.P,
             f=lambda: p, inner=m.Line(p, q), by=frozenset([q]), row=m.Row(7), again=p)


def check(s):
    m = s.m
    P = m.P
    assert s.P is P and P._fields == ('y', 'x', 'z')
    assert s.p == (2, 1, 9) and type(s.p) is P and (s.p.x, s.p.y, s.p.z) == (1, 2, 9) and repr(s.p) == 'P(y=2, x=1, z=9)'
    assert s.p is s.again and s.f() is s.p
    assert s.table[s.p] == 'p' and s.table[s.p, s.table['k']] == 'pq' and s.table[P(2, 1, 9)] == 'p'
    assert s.p in s.names and s.sub in s.names and P(y=2, x=1) in s.names
    assert type(s.sub) is m.Sub and s.sub == (6, 5, 9) and s.sub.note == 'kept'
    assert s.inner.a is s.p and type(s.inner.a) is P and s.inner == (s.p, s.table['k'])
    assert s.by == {P(4, 3, 9)} and P(4, 3, 9) in s.by
    assert m.ORIGIN == (0, 0, 9) and type(m.ORIGIN) is P and m.total(m.ORIGIN) == 9
    assert m.NEW == (1, 2, 3) and type(m.NEW) is P
    assert s.more == (1, None) and s.more.tail is None
    assert s.row == (7, 'r') and type(s.row) is m.Row and s.row.wide() == 'wide'
    assert s.p._replace(z=1) == (2, 1, 1) and P._make((1, 2, 3)).x == 2


def check2(s):
    m = s.m
    assert s.p == (1,) and type(s.p) is m.P and s.table[s.p] == 'p' and s.table[m.P(1)] == 'p'
    assert s.sub == (5,) and s.sub.note == 'kept'
    assert s.row == (7,)
