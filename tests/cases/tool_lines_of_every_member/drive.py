from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, deeper=m.Big.In().deep(), gen=m.Big.In().deep()())


def check(s):
    ns = vars(s.m.Big)
    assert ns['p'].fget.__code__.co_firstlineno == 7
    assert ns['s'].__func__.__code__.co_firstlineno == 11
    assert ns['c'].__func__.__code__.co_firstlineno == 15
    assert ns['f'].__code__.co_firstlineno == 19
    assert s.m.Big.In.deep.__code__.co_firstlineno == 22
    assert s.deeper.__code__.co_firstlineno == 23
    assert s.m.Big.In().deep()().gi_code.co_firstlineno == 24
    assert list(s.gen) == [1, 2]
    assert s.m.__doc__ == 'Two lines\n\nmore.'
