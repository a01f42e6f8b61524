from types import SimpleNamespace as S


def setup():
    import m
    ps = [m.P(i) for i in range(4)]
    ps[1].tags.append(1)
    return S(m=m, ps=ps, tags=ps[1].tags)


def check(s):
    assert [p.x for p in s.ps] == [0, 1, 2, 3] and s.ps[1].tags is s.tags and s.tags == [1]
    assert all(p.level == 3 and p.more == {} for p in s.ps) and s.ps[0].more is not s.ps[1].more
    assert s.ps[0] == s.m.P(0) and not hasattr(s.ps[0], '__dict__')
