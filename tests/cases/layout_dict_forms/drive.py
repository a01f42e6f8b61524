from types import SimpleNamespace as S


def setup():
    import m
    ps = [m.P(**{'k%d' % i: i for i in range(n)}) for n in (0, 1, 5, 29, 30, 31, 100)]
    q = m.P(a=1)
    del q.a
    q.b = 2
    r = m.P(); r.__dict__ = {'own': 1}
    t = m.P(a=1)
    t.__class__ = m.P
    return S(m=m, ps=ps, q=q, r=r, d=r.__dict__)


def check(s):
    for n, p in zip((0, 1, 5, 29, 30, 31, 100), s.ps):
        assert [getattr(p, 'k%d' % i) for i in range(n)] == list(range(n))
        assert ('k3' in vars(p)) == False
        assert len(vars(p)) == n - (n > 3)
    assert vars(s.q) == {'b': 2} and s.r.own == 1 and s.r.__dict__ is s.d
