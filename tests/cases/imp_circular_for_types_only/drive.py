from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, context=m.c.Context())


def check(s):
    assert s.context.run() == ((2, None), 2), s.context.run()
    assert s.m.c.Errors is s.m.b.Errors and 'Context' not in vars(s.m.b)
