from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.f, list=m.LIST)


def apply(s, update):
    if update.midflight is None:
        return
    report = update.midflight.update(update.change.all, dry_run=True)
    assert not [e for e in report.reasons], report
    assert s.f() == 1 and s.list == []
    update.midflight.plan()
    assert s.f() == 1 and s.list == []
    update()


def check(s):
    assert s.f() == 2 and s.m.LIST == ['new']
