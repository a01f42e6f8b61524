from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, open=m.HANDLERS['open'], close=m.HANDLERS['close'])


def check(s):
    assert (s.open(), s.close()) == ('open 2', 'close 2'), (s.open(), s.close())
    assert s.m.HANDLERS == {'open': s.open, 'close': s.close}
