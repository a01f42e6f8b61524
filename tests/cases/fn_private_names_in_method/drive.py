from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, safe=m.Safe())


def check(s):
    assert s.safe.check(1234) == 'open' and s.safe.next() == 1235
    assert '_Safe__helper' in vars(s.m.Safe)
