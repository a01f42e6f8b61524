from types import SimpleNamespace as S

MODULE = dict(
    D={"w": 0, "x": 1}, K={"x": 5, "mine": 8}, A={"a": 1, "b": 2}, L=[1, 2, 4, "mine"], P=[1, 3], S={0, 1, 3},
    N={"a": 1, "b": 1}, I=[0, 1], G={"stay": 1, "also": 2, "mine": 3}, O=[1, 2], Q=["one", "three"],
    CACHE={"a": 1, "mine": 9})
CLASS = dict(items=[0, 1], table={"a": 1, "b": 2, "mine": 4}, listed=[1, 5], one={"a": 1})


def setup():
    import m
    import n
    m.K["mine"] = 8
    m.L.append("mine")
    m.G["mine"] = 3
    m.C.table["mine"] = 4
    m.put("mine", 9)
    return S(m=m, n=n, held={k: getattr(m, k) for k in MODULE})


def wrong(owner, want):
    return [(k, getattr(owner, k), v) for k, v in want.items() if getattr(owner, k) != v]


def check(s):
    bad = wrong(s.m, MODULE) + wrong(s.m.C, CLASS)
    assert not bad, "\n".join(map(str, bad))
    assert all(getattr(s.m, k) is v for k, v in s.held.items())
    assert s.n.D is s.m.D and s.n.KEYS == ["w", "x"], s.n.KEYS
