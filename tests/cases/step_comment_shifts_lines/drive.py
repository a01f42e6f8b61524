from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, boom=m.boom)


def check(s):
    assert s.boom is s.m.boom
    assert s.boom.__code__.co_firstlineno == 8, s.boom.__code__.co_firstlineno
    assert s.probe.ticks('module') == 1
    try:
        s.boom()
    except ValueError as e:
        assert e.__traceback__.tb_next.tb_lineno == 9, e.__traceback__.tb_next.tb_lineno
