from types import SimpleNamespace as S


def setup():
    import m
    t = m.Tri()
    s = m.Sq()
    return S(m=m, t=t, s=s)


def check(s):
    m, t, s = s.m, s.t, s.s
    assert isinstance(s, m.Shape) and (not isinstance(t, m.Shape))
