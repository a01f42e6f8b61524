from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, one=m.one)


def check(s):
    assert s.one() == 'one!!!' and s.m.two() == 'two!!!'
    assert s.one is s.m.one
    assert (s.probe.ticks('one'), s.probe.ticks('two')) == (1, 1)
