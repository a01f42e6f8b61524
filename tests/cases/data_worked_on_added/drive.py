from types import SimpleNamespace as S


def setup():
    import m
    m.G["mine"], m.C.table["mine"] = 4, 4
    m.L.append("mine")
    m.S.add("mine")
    return S(m=m, held=(m.G, m.L, m.S, m.C.table))


def same(s, g, lst, st, table):
    m = s.m
    assert (m.G, m.L, m.S, m.C.table) == ({"stay": 1, "also": 2, "mine": 4, **g}, lst, {0, "mine", *st}, {"a": 1, "mine": 4, **table}), (
        m.G, m.L, m.S, m.C.table)
    assert (m.G, m.L, m.S, m.C.table) == s.held and m.G is s.held[0] and m.L is s.held[1] and m.S is s.held[2] and m.C.table is s.held[3]


def check(s):
    same(s, {"there": 3}, [1, 2, "mine"], {1, 2}, {"b": 2})


def check2(s):
    same(s, {}, [1, "mine"], set(), {})
