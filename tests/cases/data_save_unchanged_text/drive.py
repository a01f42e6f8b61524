from types import SimpleNamespace as S


def setup():
    import m, probe
    m.STATE.append(2)
    return S(m=m, probe=probe, state=m.STATE)


def check(s):
    assert s.m.STATE is s.state == [1, 2] and s.probe.ticks('state') == 1
