from types import SimpleNamespace as S


def setup():
    import m
    m.TABLE['live'] = 1
    m.MODE = 'live' if m.MODE == 'a' else m.MODE
    return S(m=m, restarted=m.X == 2)


def check(s):
    assert s.m.MODE == 'b' and s.m.X == 2
    assert s.restarted or s.m.TABLE == {'a': 1, 'c': 3}, s.m.TABLE
