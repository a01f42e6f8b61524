from types import SimpleNamespace as S


def setup():
    import pkg, probe
    pkg.core.STATE.append('live')
    return S(pkg=pkg, probe=probe, core=pkg.core)


def check(s):
    assert s.pkg.VERSION == 2 == s.pkg.more.V and s.pkg.core is s.core
    assert s.core.STATE == ['live'] and s.probe.ticks('core') == 1
