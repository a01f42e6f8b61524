from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, obj=m.Settings(), first=m.Settings.first)


def check(s):
    assert s.obj.area() == 400
    assert s.m.Settings.first is s.first
    assert (s.probe.ticks('first'), s.probe.ticks('last')) == (1, 1)
