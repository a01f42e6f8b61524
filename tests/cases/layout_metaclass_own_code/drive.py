from types import SimpleNamespace as S


def setup():
    import m
    q = m.Q()
    q.x = 1
    q.z = 2
    return S(m=m, q=q, n=len(m.LOG), p=m.P())


def check(s):
    s.q.y = 5
    assert s.q.x == 1 and s.q.z == 2 and type(s.q) is s.m.Q
    s.p.y = 1
    print(s.m.LOG[s.n:])
    assert 'meta init_subclass' not in s.m.LOG
    assert [x for x in s.m.LOG if x == ('new', 'Q')] == [('new', 'Q')]
