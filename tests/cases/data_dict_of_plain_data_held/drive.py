from types import SimpleNamespace as S


def setup():
    import m, u
    L = m.LIMITS
    m.LIMITS['rt'] = 5
    T = m.T
    g = m.g
    return S(m=m, u=u, L=L, T=T, g=g)


def check(s):
    m, u, L, g = s.m, s.u, s.L, s.g
    assert m.LIMITS is L and L == {'a': 9, 'b': 2, 'rt': 5}
    assert m.T[0] is L and m.g() is L and (g() is L) and (m.K['l'] is L) and (m.Q.lim is L) and (m.P[0] is m.P[1] is L)
    assert u.X is L and u.OWN['x'] is L


def check2(s):
    m, u, L, g = s.m, s.u, s.L, s.g
    assert L == {'a': 9, 'b': 3, 'rt': 5} and g() is L and (m.T[0] is L) and (u.OWN['x'] is L)
