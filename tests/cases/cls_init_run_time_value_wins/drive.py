from types import SimpleNamespace as S


def setup():
    import m
    a, b = m.Shop(), m.Shop()
    a.tags = ['mine']
    a.name = b.name = 'live'
    return S(m=m, a=a, b=b, tags=a.tags)


def check(s):
    assert s.a.tags is s.tags and s.tags == ['mine']
    assert s.b.tags == [] and s.a.name == s.b.name == 'live'
