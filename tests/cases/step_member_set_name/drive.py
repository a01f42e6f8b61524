from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, t=m.Table(), a=vars(m.Table)['a'])


def check(s):
    assert s.t.c == ('Table', 'c')
    assert vars(s.m.Table)['a'] is s.a
    assert [s.probe.ticks(n) for n in 'abc'] == [1, 1, 1]
