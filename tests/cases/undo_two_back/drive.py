from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def apply(s, update):
    s.number = (update() or {}).get('number')


def apply2(s, update):
    update()
    if update.midflight is None:
        return
    assert s.f() == ('v3', 3) and len(update.midflight.history()) >= 2
    assert update.midflight.undo(to=s.number).outcome == 'committed'


def check2(s):
    assert s.f() == ('v1', 1), s.f()
