from types import SimpleNamespace as S


def setup():
    import m
    m.ITEMS.reverse()
    return S(m=m, items=m.ITEMS)


def check(s):
    assert s.m.ITEMS is s.items and sorted(s.items) == ['a', 'b', 'c', 'd']
    live = [x for x in s.items if x != 'd']
    assert live == ['c', 'b', 'a'], s.items
