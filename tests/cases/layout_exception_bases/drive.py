from types import SimpleNamespace as S


def setup():
    import m
    try:
        m.fail(m.Low, 'deep', 3)
    except m.Low as e:
        low = e
    return S(m=m, low=low, plain=m.Plain('p'), osish=m.Osish(2, 'no'), stop=m.Stop('s'), key=m.Key('k'), coded=m.Coded('c', 9))


def check(s):
    m = s.m
    assert type(s.low) is m.Low and isinstance(s.low, m.App) and isinstance(s.low, ValueError)
    assert s.low.args == ('deep', 3) and s.low.__traceback__ is not None and isinstance(s.low.__context__, ZeroDivisionError)
    try:
        raise s.low
    except m.App as e:
        assert e is s.low
    assert isinstance(s.plain, ValueError) and s.plain.args == ('p',)
    assert type(s.key) is m.Key and isinstance(s.key, LookupError) and not isinstance(s.key, KeyError)
    assert type(s.coded) is m.Coded and (s.coded.code, s.coded.args) == (9, ('c', 9))
    assert m.answer() == 2


def report(s, r):
    pass
