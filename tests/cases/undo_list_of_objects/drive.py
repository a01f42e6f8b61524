from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, opts=m.OPTS, first=m.OPTS[0], undone=False)


def apply(s, update):
    update()
    if update.midflight is None:
        return
    assert update.midflight.undo().outcome == 'committed'
    assert [o.name for o in s.opts] == ['a', 'b'] and s.opts[0] is s.first
    s.undone = True
    update()


def check(s):
    assert s.undone and s.opts is s.m.OPTS
    assert [o.name for o in s.opts] == ['a', 'b', 'c'], [o.name for o in s.opts]
