from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, f=m.f)


def check(s):
    assert 'edited' in s.f() and s.f is s.m.f
    assert s.probe.ticks('doc') == s.probe.ticks('other') == 1
