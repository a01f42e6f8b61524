from types import SimpleNamespace as S


def setup():
    import m, log
    return S(m=m, log=log)


def check(s):
    assert s.log.CALLS == [] and s.m.V == 1
