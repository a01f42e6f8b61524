from types import SimpleNamespace as S


def setup():
    import m
    m.STATE['live'] = 1
    m.B = 70
    return S(m=m, f=m.f, state=m.STATE)


def check(s):
    assert s.f() == ('f1', 1, 70)


def check2(s):
    assert s.f() == ('f3', 2, 70), s.f()
    assert s.m.STATE is s.state == {'live': 1}
