from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, steps=m.STEPS, fs=list(m.STEPS))


def check(s):
    assert [f(10) for f in s.fs] == [11, 50, 7]
    assert s.m.STEPS is s.steps
    assert s.probe.ticks('chain') == 1
