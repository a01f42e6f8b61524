from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, objects=(m.A, m.B, m.C), use=m.use)


def check(s):
    assert s.use() == 2
    assert all(x is y for x, y in zip(s.objects, (s.m.A, s.m.B, s.m.C)))
    assert [s.probe.ticks(n) for n in ('a', 'b', 'c', 'loop', 'finally', 'with')] == [1, 1, 1, 3, 1, 1]
