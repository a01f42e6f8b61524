from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m, one=m.one)


def check(s):
    assert s.hub.TASKS == [s.m.two], s.hub.TASKS
    assert s.one is s.m.one and s.one() == 1
