import weakref
from types import SimpleNamespace as S


def setup():
    import m
    f, g, sub, plain, frozen = m.F(1), m.G(3), m.Sub(5), m.Plain(), m.Frozen()
    m.CACHE[f, "x"] = "tuple"
    return S(m=m, f=f, g=g, sub=sub, plain=plain, frozen=frozen, d={f: 1, g: 2, sub: 3, plain: 4, frozen: 5}, s={f, g, sub, plain},
             weak=weakref.WeakKeyDictionary({f: 6}), square=m.square(m.F(7)), others=[m.F(1), m.F(2)])


def found(s):
    assert [s.d[k] for k in (s.f, s.g, s.sub, s.plain, s.frozen)] == [1, 2, 3, 4, 5]
    assert all(k in s.s for k in (s.f, s.g, s.sub, s.plain)) and len(s.s) == 4
    assert s.m.CACHE[s.f, "x"] == "tuple" and s.weak[s.f] == 6
    assert s.others[0] in s.d and s.others[1] not in s.d


def check(s):
    found(s)
    m = s.m
    assert s.f.b == 4 and m.F(1) in s.d and m.F(1, 5) not in s.d and s.d[m.F(1, 4)] == 1
    assert m.G(3) in s.s and m.G(3, 5) not in s.s
    assert s.d[m.Plain(1)] == 4 and m.Plain(2) not in s.d
    assert m.Frozen() not in s.d


def check2(s):
    found(s)
    m = s.m
    assert s.d[m.F(1)] == 1 and s.d[m.G(3)] == 2
    assert m.Plain() not in s.d and s.d[m.Frozen()] == 5
