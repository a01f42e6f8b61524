from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, seen=[])


def apply(s, update):
    if update.midflight is None:
        return
    update()
    assert update.report['changed'] and update.report['number'] >= 1
    assert any(e['name'] == 'f' and e['module'] == 'm' and e['op'] == '~' and e['code'].startswith('MF1') for e in update.report['changed'])
    status = update.midflight.status()
    assert status['number'] == update.report['number'] and not status['pending']


def check(s):
    pass
