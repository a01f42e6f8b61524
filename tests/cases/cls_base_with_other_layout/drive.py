from types import SimpleNamespace as S


def setup():
    import m
    bag, sub = m.Bag(), m.Sub()
    bag.name = 'live'
    return S(m=m, bag=bag, sub=sub)


def check(s):
    s.bag['k'] = 1
    s.sub['k'] = 2
    assert s.bag == {'k': 1} and s.bag.name == 'live' and isinstance(s.sub, s.m.Bag) and s.sub == {'k': 2}
