from types import SimpleNamespace as S


def setup():
    import m, sub
    sub.Q.count = 5
    sub.T.late = lambda self: 'late'
    local = type('Local', (sub.T,), {'v': 2})
    r, t, q, n = sub.R(1), sub.T(2), sub.Q(3), local(4)
    r.any = 1
    q.q = 'q'
    return S(m=m, sub=sub, r=r, t=t, q=q, n=n, local=local, P=m.P)


def check(s):
    assert [o.x for o in (s.r, s.t, s.q, s.n)] == [1, 2, 3, 4] and [o.y for o in (s.r, s.t, s.q, s.n)] == [1] * 4
    assert s.r.any == 1 and s.q.q == 'q' and s.sub.Q.count == 5 and s.t.late() == 'late' and s.n.v == 2
    assert s.t.hello() == 'new r' and s.n.hello() == 'new r' and type(s.n) is s.local and isinstance(s.n, s.m.P)
    assert s.sub.MADE == [('R', 'r'), ('T', None), ('Local', None)], s.sub.MADE
    assert s.m.P.__subclasses__() == [s.sub.Q] and s.sub.R.__subclasses__() == [s.sub.T]
    assert s.sub.T.__mro__ == (s.sub.T, s.sub.Mixin, s.sub.R, s.sub.Q, s.m.P, object)
    import pickle
    assert type(pickle.loads(pickle.dumps(s.t))) is s.sub.T
