from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, n=m.Node(1), d=m.Plain(1), f=m.Auto())


def check(s):
    m = s.m
    assert (s.n.v, s.n.w, s.n.twin.v, s.n.twin.w) == (1, 'one', 11, 0), (s.n.v, s.n.w, s.n.twin.v)
    assert type(s.n.twin) is m.Node and s.n.twin.twin is None
    assert s.d.extra == [1] and type(s.d.other) is m.Plain and s.d.other.extra == [] and s.d.other.v == 5
    assert type(s.f.part) is m.Node and s.f.part.w == 0 and s.f.part.v == 7
    assert m.Node(3).w == 0 and m.Plain(3).extra == []
