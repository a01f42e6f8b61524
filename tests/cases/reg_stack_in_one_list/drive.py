from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m)


def check(s):
    assert s.hub.READS == [s.m.sync, s.m.load], s.hub.READS
    assert s.hub.WRITES == [s.m.load], s.hub.WRITES
