from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, t=m.Tool())


def check(s):
    assert s.t.LIMIT == 2 and s.t.help() == 'new'
