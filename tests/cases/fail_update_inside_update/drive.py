from types import SimpleNamespace as S


import os

OUTCOMES = []
FLIGHT = []


def inner():
    if FLIGHT:
        OUTCOMES.append(FLIGHT[0].update([os.path.abspath('other.py')]).outcome)
    return len(OUTCOMES)


def setup():
    import m, other
    return S(m=m, f=m.f, other=other, g=other.g)


def apply(s, update):
    if update.midflight is None:
        return
    FLIGHT.append(update.midflight)
    path = os.path.abspath('m.py')
    assert update([path])['outcome'] == 'committed'
    assert OUTCOMES == ['skipped'], OUTCOMES
    assert s.f() == 2
    update([path])


def check(s):
    assert s.f() == 2 and s.g() == 'g2'
