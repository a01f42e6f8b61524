import sys
from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f, speedups=m.speedups)


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert s.f() == (False, 2) and 'speedups' not in sys.modules
    undone = update.midflight.undo()
    assert undone.outcome == 'committed', undone
    s.undone = True


def check(s):
    assert s.undone and s.f() == (True, 1) and s.m.speedups is s.speedups is sys.modules['speedups'], s.f()
