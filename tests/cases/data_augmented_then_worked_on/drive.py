from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, paths=m.PATHS)


def check(s):
    m = s.m
    assert m.PATHS == ['a', 'b2', 'c'] == m.T and m.PATHS is s.paths, (m.PATHS, m.T)
    assert (m.N, m.S, m.D) == (18, 'xz', {'k': 10, 'z': 2, 'y': 3})
