from types import SimpleNamespace as S


import os


def setup():
    import m
    return S(m=m)


def check(s):
    pass


def report(s, r):
    assert s.m.f() == 2
    assert r['notes'] or 'MF_CASE_MODE' not in os.environ, 'nothing is said of the removed statement'
