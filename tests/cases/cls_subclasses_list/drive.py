from types import SimpleNamespace as S


import gc


def setup():
    import m
    return S(m=m, sub=m.Sub())


def check(s):
    gc.collect()
    assert s.m.Base.__subclasses__() == [s.m.Sub] and s.sub.y == 3
    assert sum(1 for o in gc.get_objects() if isinstance(o, type) and o.__module__ == 'm' and o.__name__ == 'Sub') == 1
