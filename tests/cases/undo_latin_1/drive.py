from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert (s.f(), s.m.WORD) == ('\xf6', '\xe8')
    assert update.midflight.undo().outcome == 'committed'
    s.undone = True


def check(s):
    assert s.undone
    assert (s.f(), s.m.WORD) == ('\xe4', '\xe9'), (s.f(), s.m.WORD)
