from types import SimpleNamespace as S


def setup():
    import m
    c = m.CONFIG
    l = m.LIST
    return S(m=m, c=c, l=l)


def check(s):
    m, c = s.m, s.c
    assert c == {'debug': False, 'n': 5, 'name': 'x', 'k': 2, 'u': 'u', 'v': 'v'} and m.CONFIG is c, c


def check2(s):
    l = s.l
    assert l == ['z', 'b', 'c'], l


def check3(s):
    m = s.m
    assert m.S == {7, 2}, m.S


def check4(s):
    c = s.c
    assert c['name'] == 'y' and c['n'] == 5 and (c['k'] == 2), c


def check5(s):
    l = s.l
    assert l == ['z', 'B', 'c'], l


def check6(s):
    c = s.c
    assert c['n'] == 5


def check7(s):
    c = s.c
    assert c['w'] == 'w' and c['u'] == 'u' and (c['n'] == 5) and (c['name'] == 'y'), c
