from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe)


def check(s):
    assert s.m.VALUE == 'new' and not hasattr(s.m, 'e') and s.m.n == 0
    assert s.probe.ticks('with') == 1 and s.probe.ticks('else') == 1
