from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, pool=m.POOL)


def check(s):
    assert s.m.SIZE == 2 and s.m.POOL is s.pool == [1] and s.m.OTHER == 1
    assert s.probe.ticks('pool') == 1 and s.probe.ticks('other') == 1
