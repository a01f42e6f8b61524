from types import SimpleNamespace as S


def setup():
    import m
    m.SQUARES[0] = 'live'
    m.SQUARES['extra'] = 1
    del m.SQUARES[1]
    m.NAMES.append('live')
    return S(m=m, squares=m.SQUARES, names=m.NAMES)


def check(s):
    want = {n: n * n for n in range(41) if n != 1}
    want.update({0: 'live', 'extra': 1})
    assert s.m.SQUARES is s.squares == want, s.squares
    assert s.m.NAMES is s.names and sorted(s.names) == sorted([str(n) for n in range(29)] + ['live'])
