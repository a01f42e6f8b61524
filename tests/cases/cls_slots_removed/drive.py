from types import SimpleNamespace as S


def setup():
    import m
    n = m.Node()
    n.a = 10
    return S(m=m, n=n, both=[n, n])


def check(s):
    assert s.n.a == 10 or s.n.a == 1
    assert not hasattr(s.n, 'b') and s.both[0] is s.n is s.both[1]
    assert type(s.n) is s.m.Node
