from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, t=m.Tool())


def check(s):
    assert not hasattr(s.t, 'gone') and s.t.stays() == 2 and not hasattr(s.m, 'old')
