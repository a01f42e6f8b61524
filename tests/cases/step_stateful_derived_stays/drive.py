from types import SimpleNamespace as S


def setup():
    import m, probe
    m.app.routes.append('/live')
    return S(m=m, probe=probe, app=m.app)


def check(s):
    assert s.m.app is s.app and s.app.routes[-1] == '/live'
    assert s.probe.ticks('create') == 1
    assert s.m.version() == 2


def report(s, r):
    assert any('app' == e['name'] and 'm' == e['module'] for e in r['notes'] + r['kept']), r['notes']
