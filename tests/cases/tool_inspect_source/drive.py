from types import SimpleNamespace as S


import inspect
import linecache


def setup():
    import m
    inspect.getsource(m.a)
    return S(m=m, a=m.a, n=m.C.n, c=m.C())


def check(s):
    linecache.checkcache()
    assert inspect.getsource(s.a) == 'def a():\n    return 1\n'
    assert inspect.getsource(s.n) == "    def n(self):\n        return 'n'\n", inspect.getsource(s.n)
    assert inspect.getsource(s.c.m) == "    def m(self):\n        return 'edited'\n"
    assert s.m.C.__doc__ == 'With a docstring.'
