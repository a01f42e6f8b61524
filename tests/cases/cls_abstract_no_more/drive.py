from types import SimpleNamespace as S


def setup():
    import m
    try:
        m.Part()
    except TypeError:
        pass
    return S(m=m)


def check(s):
    assert s.m.Part().run() == 'default'
    assert not hasattr(s.m.Base.run, '__isabstractmethod__') and s.m.Base.__abstractmethods__ == frozenset()
