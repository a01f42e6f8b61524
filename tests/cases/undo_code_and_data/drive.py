from types import SimpleNamespace as S


def setup():
    import m
    m.SPEED = 37
    return S(m=m, f=m.f)


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert (s.m.SPEED, s.m.LIMIT, s.f()) == (5, 20, 'v2')
    s.m.LIMIT = 99
    undone = update.midflight.undo()
    assert undone.outcome == 'committed', undone
    assert s.f() == 'v1' and s.m.SPEED == 37, s.m.SPEED
    said = [e for part in (undone.changed, undone.kept, undone.notes) for e in part if e.name == 'LIMIT']
    assert s.m.LIMIT == 99 or said, 'somebody has changed it since: it stays, or the report shows what it replaced'
    s.undone = True


def check(s):
    assert s.undone
