from types import SimpleNamespace as S


import os

FLIGHT = []
OUTCOMES = []


class Tied:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        if FLIGHT:
            OUTCOMES.append(FLIGHT[0].update([os.path.abspath('m.py')]).outcome)


def setup():
    import m
    return S(m=m, f=m.f)


def apply(s, update):
    if update.midflight is None:
        return
    FLIGHT.append(update.midflight)
    update()
    FLIGHT.clear()
    assert 'committed' not in OUTCOMES, OUTCOMES


def check(s):
    assert s.f() == 2 and s.m.VALUE == 'new'
