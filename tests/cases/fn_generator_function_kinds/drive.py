from types import SimpleNamespace as S


import asyncio


def setup():
    import m
    return S(m=m, fetch=m.fetch, items=m.items, agen=m.agen)


def check(s):
    assert asyncio.run(s.fetch()) == 1
    assert s.items() == [1, 2, 3] and s.agen() == 'plain'
    assert s.items is s.m.items
