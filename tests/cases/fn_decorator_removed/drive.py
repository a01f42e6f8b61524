from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, hello=m.hello, table=[m.hello])


def check(s):
    assert s.hello('x') == 'hello x', s.hello('x')
    assert s.table[0] is s.m.hello
