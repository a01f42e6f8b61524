import copy
import copyreg
import pickle
from types import SimpleNamespace as S


def setup():
    import m
    p, r, d, e = m.P(1, 2), m.Reg(5), m.D(3), m.E('e')
    return S(m=m, p=p, r=r, d=d, e=e, dumps={n: pickle.dumps(x, proto) for n, x in (('p', p), ('r', r), ('d', d), ('e', e)) for proto in (2, 4)},
             cls=pickle.dumps(m.P), copier=copyreg.dispatch_table.get(m.Reg), pickled_before=copy.copy(p))


def check(s):
    m = s.m
    p = pickle.loads(s.dumps['p'])
    assert type(p) is m.P and (p.x, p.y) == (1, 2) and getattr(p, 'z', 0) == 0
    assert pickle.loads(s.cls) is m.P
    q = pickle.loads(pickle.dumps(s.p))
    assert type(q) is m.P and (q.x, q.y, q.z) == (1, 2, 0)
    c = copy.copy(s.p)
    assert type(c) is m.P and (c.x, c.y, c.z) == (1, 2, 0) and copy.deepcopy([s.p])[0].z == 0
    assert copyreg._slotnames(m.P) == ['x', 'y', 'z'], copyreg._slotnames(m.P)
    r = pickle.loads(s.dumps['r'])
    assert type(r) is m.Reg and r.v == 5
    assert copyreg.dispatch_table[m.Reg] is m.reduce_reg
    r = pickle.loads(pickle.dumps(s.r))
    assert type(r) is m.Reg and r.v == 5 and type(copy.copy(s.r)) is m.Reg
    d = pickle.loads(s.dumps['d'])
    assert type(d) is m.D and d.a == 3
    assert pickle.loads(pickle.dumps(s.d)) == s.d
    e = pickle.loads(s.dumps['e'])
    assert type(e) is m.E and e.args == ('e',) and isinstance(e, LookupError)
    assert pickle.loads(pickle.dumps(s.e)).args == ('e',)
