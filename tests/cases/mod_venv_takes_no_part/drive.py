from types import SimpleNamespace as S


import os
import sys


def setup():
    FLIGHT = None
    try:
        import midflight as FLIGHT
        FLIGHT.start(roots=[os.getcwd()])
    except ImportError:
        pass
    sys.path.append(os.path.abspath('.venv/lib/python3/site-packages'))
    import m
    return S(m=m, f=m.f, fresh=m.f()[1])


def apply(s, update):
    if update.midflight is None:
        return
    assert update.midflight.update().outcome == 'committed'


def check(s):
    assert s.f() == ('m2', s.fresh), s.f()
