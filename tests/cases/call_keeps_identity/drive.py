from types import SimpleNamespace as S


def setup():
    import m
    m.X
    return S(m=m, f=m.f, g=m.g)


def check(s):
    assert s.m.X == (True, "(a: int) -> str", "Set.", True), s.m.X
    assert s.f is s.m.f and s.g is s.m.g and s.g.limit == 4
    assert s.m.Y == {s.f: 1, s.g: 2}
