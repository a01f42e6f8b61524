from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def apply(s, update):
    update()
    if update.midflight is None:
        return
    numbers = [h['number'] for h in update.midflight.history()]
    assert update.report['number'] in numbers, numbers
    assert s.f() == ('v2', 2)


def check(s):
    assert s.f() == ('v2', 2)
