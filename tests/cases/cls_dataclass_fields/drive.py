from types import SimpleNamespace as S


import dataclasses


def setup():
    import m
    return S(m=m, a=m.Item('a'), b=m.Item('b'), Item=m.Item)


def check(s):
    assert s.m.Item is s.Item
    s.a.tags.append('x')
    assert s.a.price == 1.5 and s.b.tags == []
    assert repr(s.b) == "Item(name='b', price=1.5, tags=[])", repr(s.b)
    assert s.m.Item('b', 1.5, []) == s.b
    assert dataclasses.asdict(s.a) == {'name': 'a', 'price': 1.5, 'tags': ['x']}
