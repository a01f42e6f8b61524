import os
import sys
import weakref
from types import SimpleNamespace as S


def fits(a, b):
    """Do two layouts share a block of the allocator, without a debug allocator?"""
    if os.environ.get('PYTHONMALLOC') or sys.flags.dev_mode or hasattr(sys, 'gettotalrefcount'):
        return False
    return (a + 15) // 16 == (b + 15) // 16


def setup():
    import m
    s = S(m=m, p=m.Plain(1), n=m.Node(), k=m.Key(1), c=m.Hooked(3), f=m.Made(), w=m.Weak(4), b=m.Big(1, 2))
    s.ids = {name: id(getattr(s, name)) for name in 'pnkcfwb'}
    s.n.next, s.n.kind = s.n, m.Plain
    s.table, s.names, s.ref = {s.k: 'k', (s.k, 1): 'k1'}, {s.k}, weakref.ref(s.w)
    s.held, s.size = map(m.Plain.get, [s.p]), sys.getsizeof(s.p)
    return s


def check(s):
    m = s.m
    assert type(s.p) is m.Plain and (s.p.x, s.p.y, s.p.z) == (1, 0, [])
    q = m.Plain(2)
    assert s.p.z is not q.z
    assert next(s.held) == 1
    assert type(s.n) is m.Node and s.n.next is s.n and s.n.kind is m.Plain and not hasattr(s.n, 'more')
    assert type(s.k) is m.Key and s.table[s.k] == 'k' and s.table[s.k, 1] == 'k1' and s.k in s.names and m.Key(1, 2) in s.names
    assert s.c.total == 30 and m.Hooked(1).total == 0
    assert s.f.parts == [] and s.f.parts is not m.Made().parts
    assert type(s.w) is m.Weak and s.ref() is s.w and (s.w.v, s.w.u) == (4, 1)
    assert s.b.a == 1 and not hasattr(s.b, 'b')
    if fits(s.size, sys.getsizeof(s.p)):
        same = {name for name, at in s.ids.items() if id(getattr(s, name)) == at}
        assert {'p', 'n', 'c', 'f', 'b'} <= same, same


def check2(s):
    m = s.m
    assert type(s.p) is m.Plain and s.p.x == 1 and not hasattr(s.p, 'y')
    assert s.n.next is s.n and s.n.kind is m.Plain
    assert s.table[s.k] == 'k' and m.Key(1) in s.names and s.ref() is s.w and s.w.v == 4
    assert s.b.a == 1 and not hasattr(s.b, 'b') and m.Big(3, 4).b == 4
    del s.p.x
    assert not hasattr(s.p, 'x')
