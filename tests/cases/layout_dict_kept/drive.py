from types import SimpleNamespace as S


def setup():
    import m
    p = m.P()
    p.a = 1
    d = vars(p)
    return S(m=m, p=p, d=d)


def check(s):
    assert vars(s.p) is s.d and s.d == {'a': 1}
    s.p.b = 2
    s.p.y = 3
    assert s.d == {'a': 1, 'b': 2} and s.p.y == 3
