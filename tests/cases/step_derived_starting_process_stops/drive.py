from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, old=(m.P, m.L, m.T), started=m.STARTED, items=list(m.STARTED))


def check(s):
    assert s.m.n() == 1
    assert (s.m.P, s.m.L, s.m.T) == s.old, (s.m.P, s.m.L, s.m.T)
    assert s.m.STARTED is s.started and s.started == s.items


def report(s, r):
    said = {e['name'] for e in r['notes'] + r['kept']}
    assert {'P', 'L', 'T'} <= said, said
