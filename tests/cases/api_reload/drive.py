from types import SimpleNamespace as S


def setup():
    import lib, m
    return S(lib=lib, m=m)


def apply(s, update):
    if update.midflight is None:
        return
    assert update.midflight.reload(s.lib) is s.lib
    with open('lib.py', 'w') as f:
        f.write('raise LookupError("from the new source")\n')
    try:
        update.midflight.reload(s.lib)
    except LookupError:
        pass
    else:
        raise AssertionError('reload() must raise what the new source raises')


def check(s):
    assert s.m.call() == ('f2', 2), s.m.call()
