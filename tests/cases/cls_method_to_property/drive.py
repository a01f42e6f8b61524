from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, box=m.Box())


def check(s):
    assert s.box.size == 4 and s.box.name == 'plain'
    s.box.name = 'mine'
    assert s.box.name == 'mine'
