from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, functions=m.FUNCTIONS, f7=m.f7)


def check(s):
    assert s.m.edited() == 'new'
    assert s.m.FUNCTIONS is s.functions and len(s.functions) == 2000
    assert s.m.f7 is s.f7 is s.functions['f7'] and s.f7() == 7
    assert s.probe.ticks('top') == 1
