from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, unit=m.Unit(), cls=m.Unit)


def check(s):
    assert s.unit.move() == 'run'
    assert s.cls is s.m.Unit and type(s.unit) is s.cls
    assert s.probe.ticks('new Unit') == 1 and s.probe.ticks('init Unit') == 1
