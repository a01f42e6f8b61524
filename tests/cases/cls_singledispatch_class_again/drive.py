from types import SimpleNamespace as S


def setup():
    import m
    p = m.P()
    assert p.sd(1) == 'i'
    return S(m=m, p=p)


def check(s):
    p = s.p
    assert p.sd('') == 'o' and p.sd(1) == 'i'
