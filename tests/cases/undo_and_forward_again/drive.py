from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f, c=m.C())


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert update.midflight.undo().outcome == 'committed'
    assert s.f() == 'v1' and not hasattr(s.m, 'g') and s.c.x == 1 and not hasattr(s.c, 'y')
    assert update()['outcome'] == 'committed'


def check(s):
    assert s.f() == 'v2' and s.m.g() == 'g' and s.c.y == 3
