from types import SimpleNamespace as S


def setup():
    import m
    f = m.F(1)
    return S(m=m, a=m.A(1), b=m.B(2), f=f, d={f: 1}, s={m.F(2)}, t={(f, 1): 2}, g=m.B)


def check(s):
    assert s.a.w == {} and s.b.z == 7 and s.b.w == {} and s.b.w is not s.a.w
    assert s.f.b == 4, s.f
    assert s.d[s.f] == 1, 'dict'
    assert s.m.F(2, 4) in s.s
    assert s.t[(s.f, 1)] == 2
    assert s.g is s.m.B and s.m.B(1).z == 7
