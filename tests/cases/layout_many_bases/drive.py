from types import SimpleNamespace as S


def setup():
    import m
    c = m.C()
    c.a = 1
    c.c = 2
    c.z = 3
    d = m.D()
    d.a = 5
    d.w = 6
    X = type('X', (m.C, m.B), {'__slots__': ('x',)})
    x = X()
    x.a = 7
    x.x = 8
    return S(m=m, c=c, d=d, x=x, X=X, i=m.I(5))


def check(s):
    assert (s.c.a, s.c.c, s.c.z, s.d.a, s.d.w, s.x.a, s.x.x) == (1, 2, 3, 5, 6, 7, 8)
    s.c.a2 = s.d.a2 = s.x.a2 = 1
    assert s.i.b() == 'b2' and s.c.b() == 'b2' and s.x.b() == 'b2'
