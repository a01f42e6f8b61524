from types import SimpleNamespace as S


def setup():
    import m
    m.STATE.append(1)
    return S(m=m, f=m.f, state=m.STATE)


def check(s):
    assert s.f() == ('new', 2) and s.m.STATE is s.state == [1]
