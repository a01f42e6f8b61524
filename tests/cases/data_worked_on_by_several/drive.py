from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, t=m.T)


def check(s):
    m = s.m
    want = dict(H={"a": m.f}, HL=[m.f], R=[0, 1], D={"a": 1}, A={"p": 1, "r": 1}, B=["p", "r"], T={"p": 2, "q": 2, "zz": 5, "y": 6},
                SEEN=["one", "three"])
    bad = [(k, getattr(m, k), v) for k, v in want.items() if getattr(m, k) != v]
    if m.C.sizes != {"a": 1, "b": 1, "c": 2}:
        bad.append(("sizes", m.C.sizes))
    assert not bad, "\n".join(map(str, bad))
    assert s.t is m.T
