from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, write=m.Csv().write)


def check(s):
    assert s.write() == 'a;b' == s.m.Csv().write()
    assert s.probe.ticks('Csv') == 1
