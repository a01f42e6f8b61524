from types import SimpleNamespace as S


def setup():
    try:
        import midflight
        midflight.start()
    except ImportError:
        pass
    import m
    return S(m=m)


def check(s):
    assert (s.m.KEPT, s.m.FREE) == (1, 2), (s.m.KEPT, s.m.FREE)
