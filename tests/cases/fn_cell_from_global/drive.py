from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, get=m.make('n'))


def check(s):
    assert s.get() == ('n', 9, 'cell'), s.get()
    assert s.m.make('x', 1)() == ('x', 1, 'cell')
