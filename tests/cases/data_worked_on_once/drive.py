from types import SimpleNamespace as S


def setup():
    import m
    m.KEEP["mine"] = 1
    m.TABLE["d"] = 40
    m.TABLE["mine"] = 5
    return S(m=m)


def check(s):
    m = s.m
    assert m.KEEP == {"a": 1, "b": 2, "mine": 1}, m.KEEP
    assert m.TABLE == {"a": 1, "b": 20, "d": 40, "mine": 5}, m.TABLE
    assert m.LIST[0] == "x" and "w" in m.LIST, m.LIST
