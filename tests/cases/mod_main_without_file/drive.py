from types import SimpleNamespace as S


import sys


def setup():
    main = sys.modules['__main__']
    main.cell = lambda: 'cell'
    import m
    return S(m=m, main=main, names=set(vars(main)), cell=main.cell)


def check(s):
    assert sys.modules['__main__'] is s.main and s.names <= set(vars(s.main))
    assert s.main.cell is s.cell


def report(s, r):
    assert s.m.g() == 2
