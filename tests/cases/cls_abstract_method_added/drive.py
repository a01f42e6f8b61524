from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, impl=m.Impl() if not hasattr(m, 'Full') else m.Full())


def check(s):
    assert isinstance(s.impl, s.m.Base) and s.impl.a() == 'a'
    try:
        s.m.Impl()
    except TypeError:
        pass
    else:
        raise AssertionError('Impl is abstract now')
    assert s.m.Full().b() == 'b'
    assert s.m.Base.__abstractmethods__ == {'a', 'b'}
