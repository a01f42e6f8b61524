from types import SimpleNamespace as S


def setup():
    import m
    m.OPS['live'] = live = lambda a, b: 'live'
    return S(m=m, ops=m.OPS, live=live, add=m.OPS['add'])


def check(s):
    assert s.m.OPS is s.ops and s.ops['live'] is s.live
    assert (s.m.run('add', 2, 5), s.m.run('sub', 2, 5), s.m.run('mul', 2, 5)) == (7, 3, 10)
    assert s.ops['add'] is s.add
