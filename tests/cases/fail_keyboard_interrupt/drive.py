from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f)


def apply(s, update):
    if update.midflight is None:
        return
    try:
        report = update.midflight.update(update.change.all)
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError('the interrupt is swallowed: %s' % report)


def check(s):
    assert s.f() == 1 and s.m.f is s.f
