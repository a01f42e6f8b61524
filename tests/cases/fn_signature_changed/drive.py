from types import SimpleNamespace as S


import inspect


def setup():
    import m
    return S(m=m, send=m.send, table={'send': m.send})


def check(s):
    assert s.send is s.m.send
    assert s.table['send']('a', cc=['b'], x=1) == ('a', 'none', ['b'], {'x': 1})
    assert str(inspect.signature(s.send)) == "(to, *, subject='none', cc=(), **more)"
