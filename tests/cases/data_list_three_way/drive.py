from types import SimpleNamespace as S


def setup():
    import m
    m.STEPS.append('live end')
    m.STEPS.insert(0, 'live begin')
    return S(m=m, steps=m.STEPS)


def check(s):
    assert s.m.STEPS is s.steps
    assert s.steps == ['live begin', 'load', 'clean', 'parse', 'save', 'live end'], s.steps
