from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, ran=m.RAN, before=list(m.RAN), half=m.HALF)


def check(s):
    assert s.m.period() == 6
    assert s.m.RAN is s.ran and s.ran == s.before, s.ran
    assert s.m.HALF == s.half, s.m.HALF


def report(s, r):
    assert any('HALF' == e['name'] for e in r['notes'] + r['kept']), r['notes']
