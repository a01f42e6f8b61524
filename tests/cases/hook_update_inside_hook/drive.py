from types import SimpleNamespace as S


import os


def setup():
    import m, other
    return S(m=m, f=m.f, g=other.g)


def apply(s, update):
    if update.midflight is None:
        return
    update([os.path.abspath('m.py')])
    assert s.m.SAID == ['skipped'], s.m.SAID
    assert s.g() == 'g1'
    update([])


def check(s):
    assert s.f() == 2 and s.g() == 'g2'
