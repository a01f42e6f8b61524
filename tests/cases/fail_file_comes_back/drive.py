from types import SimpleNamespace as S


def setup():
    import m
    import lib
    lib.seen.append('player')
    return S(lib=lib, m=m)


def check(s):
    import sys
    assert s.m.ask() == (1, 'edited'), s.m.ask()
    assert s.m.lib is s.lib is sys.modules['lib']
