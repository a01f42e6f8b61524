from types import SimpleNamespace as S


def setup(run):
    main = run.main('app.py')
    import app
    assert main is not app
    return S(main=main, app=app, plugin=main.plugin, works=[main.work, app.work])


def check(s):
    assert [f() for f in s.works] == [('new', 2)] * 2
    assert s.main.work() == ('new', 2) == s.plugin.call()
