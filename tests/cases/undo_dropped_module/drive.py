from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert s.f() == (False, 2)
    undone = update.midflight.undo()
    assert undone.outcome == 'rejected' and [r.code for r in undone.reasons] == ['MF407'], undone
    assert s.f() == (False, 2)


def check(s):
    import sys
    assert s.f() == (False, 2) and 'speedups' not in sys.modules
