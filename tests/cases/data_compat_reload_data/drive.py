from types import SimpleNamespace as S


def setup():
    import m
    m.TABLE['live'] = 1
    m.STATE['live'] = 1
    return S(m=m, state=m.STATE)


def check(s):
    assert s.m.TABLE == {'a': 2}, s.m.TABLE
    assert s.m.STATE is s.state == {'a': 1, 'live': 1}, s.state
    assert s.m.f() == 2
