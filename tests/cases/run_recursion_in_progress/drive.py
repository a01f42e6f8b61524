from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, walk=m.walk)


def apply(s, update):
    got = s.walk(5, update)
    if update.midflight is not None:
        assert got[0] in ('old5', 'new5') and got[-2:] == ['new2', 'new1'], got


def check(s):
    assert s.walk(2, None) == ['new2', 'new1']
