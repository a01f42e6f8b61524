from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, share=m.share)


def check(s):
    try:
        s.share(1, 0)
    except ZeroDivisionError as e:
        line = e.__traceback__.tb_next.tb_lineno
    assert line == 10, line
    assert s.probe.ticks('limit') == 1 and s.m.LIMIT == 3
