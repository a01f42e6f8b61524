from types import SimpleNamespace as S


def setup():
    import m
    import n
    return S(m=m, n=n, tag=m.TAG, other=m.OTHER)


def check(s):
    m = s.m
    want = dict(TEXT="[t]!", STR="[t]", SUM=4, TOTAL=4, ITEM=12, LEN=4, NAME="new", PERCENT="[t]", JOINED="[t],[t]")
    bad = [(k, getattr(m, k), v) for k, v in want.items() if getattr(m, k) != v]
    assert not bad, bad
    assert s.n.TEXT == "[t]!", s.n.TEXT
    assert s.tag is m.TAG is s.n.TAG and s.other is m.OTHER and s.other[0] is m.TAG


def report(s, r):
    assert not [entry for entry in r["notes"] if entry["code"] == "MF301"], r["notes"]
