from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert update.report['number'] in [r.number for r in update.midflight.history()]
    dry = update.midflight.undo(dry_run=True)
    assert dry.dry_run and not dry.reasons, dry
    assert s.f() == ('v2', 2) and s.m.N == 2


def check(s):
    assert s.f() == ('v2', 2)
