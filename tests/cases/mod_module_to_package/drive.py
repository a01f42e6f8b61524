from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, call=m.call)


def check(s):
    import tools.impl
    assert s.call() == ('package', 'package'), s.call()
