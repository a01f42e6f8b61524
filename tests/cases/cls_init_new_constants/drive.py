from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, a=m.Shop('a'), b=m.Shop('b'))


def check(s):
    assert s.a.items == [] and s.a.index == {} and s.a.open is True
    assert s.a.rates == {'std': 0.2, 'low': 0.1} and s.a.currency == 'EUR'
    s.a.items.append(1), s.a.rates.clear()
    assert s.b.items == [] and s.b.rates, 'each instance has containers of its own'
    assert (s.a.name, s.b.name) == ('a', 'b')
