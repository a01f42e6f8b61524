from types import SimpleNamespace as S


def setup():
    import m
    ps = [m.P(i) for i in range(5)]
    ps.append({ps[0]: ps[1]})
    return S(m=m, ps=ps)


def check(s):
    assert [p.kelvin for p in s.ps[:5]] == [273, 274, 275, 276, 277]
    assert s.ps[5] == {s.ps[0]: s.ps[1]}
