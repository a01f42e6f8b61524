from types import SimpleNamespace as S


import os


def setup():
    import a, b, c
    return S(f=a.f, g=b.g, h=c.h)


def check(s):
    assert (s.f(), s.g(), s.h()) == ('a1', 'b1', 'c1')


def apply2(s, update):
    update([os.path.abspath('c.py')])


def check2(s):
    assert (s.f(), s.g(), s.h()) == ('a2', 'b2', 'c2'), (s.f(), s.g(), s.h())
