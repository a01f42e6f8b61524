from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, inner=m.outer(), deep=m.K.L.deep)


def check(s):
    try:
        s.inner()
    except ZeroDivisionError as e:
        assert e.__traceback__.tb_next.tb_lineno == 9
    assert s.inner.__code__.co_firstlineno == 8
    assert [l for _, _, l in s.deep.__code__.co_lines() if l and l > 15] == [16] * len([l for _, _, l in s.deep.__code__.co_lines() if l and l > 15])
    assert s.deep.__code__.co_firstlineno == 15
    assert s.m.top() == 3
