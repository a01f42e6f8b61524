from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, rw=m.Perm.R | m.Perm.W, a=m.Kind.A, Perm=m.Perm)


def check(s):
    P = s.m.Perm
    assert P is s.Perm and P.R in s.rw and P.X not in s.rw and (s.rw | P.X) == P(7)
    assert s.rw == P.R | P.W
    assert s.m.Kind('b') == 'b' and s.m.Kind.A is s.a
