from types import SimpleNamespace as S


def setup():
    import m
    m.CALLS.clear()
    return S(m=m, one=m.ONE, many=m.MANY, calls=m.CALLS)


def check(s):
    seen = list(s.calls)
    assert s.one.act() == 'new' and s.m.LIMIT == 2 and s.m.MANY is s.many
    assert seen == [], seen


def unchanged(s):
    assert s.one.act() == 'old' and s.m.LIMIT == 1 and s.m.MANY is s.many and s.m.ONE is s.one
    s.calls.clear()
