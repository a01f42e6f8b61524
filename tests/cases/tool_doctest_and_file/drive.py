from types import SimpleNamespace as S


import doctest
import os


def setup():
    import m
    return S(m=m, file=m.f.__code__.co_filename)


def check(s):
    m = s.m
    assert m.g.__code__.co_filename == s.file == os.path.abspath('m.py')
    assert (m.g.__module__, m.g.__qualname__, m.K.L.m.__qualname__) == ('m', 'g', 'K.L.m')
    assert (m.K.__module__, m.K.L.__qualname__) == ('m', 'K.L')
    assert m.K.L().m().__qualname__ == 'K.L.m.<locals>.<lambda>'
    assert doctest.testmod(m).failed == 0 and m.g() == 2
