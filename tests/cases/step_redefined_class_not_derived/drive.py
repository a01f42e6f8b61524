from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, default=m.DEFAULT, child=m.Child())


def check(s):
    assert s.m.DEFAULT is s.default and s.default.hello() == 'new'
    assert s.child.bye() == 'bye' and s.child.LEVEL == 2
    assert s.m.Alias is s.m.Base
    assert [s.probe.ticks(x) for x in ('child', 'alias', 'instance')] == [1, 1, 1]
