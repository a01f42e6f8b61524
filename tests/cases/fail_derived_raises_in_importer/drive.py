from types import SimpleNamespace as S


def setup():
    import conf, m
    return S(conf=conf, m=m, f=m.f)


def check(s):
    assert s.f() == 50 and s.conf.PARTS == 2 and s.m.PARTS == 2


def check2(s):
    assert s.f() == 25 and s.conf.PARTS == 4 == s.m.PARTS
