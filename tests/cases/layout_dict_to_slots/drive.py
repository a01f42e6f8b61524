from types import SimpleNamespace as S


def setup():
    import m
    ps = [m.P(i) for i in range(20)]
    return S(m=m, ps=ps, first=ps[0], get=ps[3].get)


def check(s):
    assert [p.get() for p in s.ps] == [('new', i) for i in range(20)]
    assert not hasattr(s.ps[0], '__dict__') and s.first is s.ps[0] and s.get() == ('new', 3)
    assert all(type(p) is s.m.P for p in s.ps)
