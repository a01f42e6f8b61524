from types import SimpleNamespace as S


def setup(run):
    app = run.main('app.py')
    import probe
    return S(app=app, probe=probe, work=app.work)


def check(s):
    assert s.work() == 'new' == s.app.work()
    assert s.probe.ticks('main') == 1
