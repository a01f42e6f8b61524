from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, f=m.zählen, u=m.Überschrift())


def check(s):
    assert s.f('x') == 'xöö€' and s.u.ß == 'è'
