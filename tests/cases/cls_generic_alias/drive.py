from types import SimpleNamespace as S


import typing


def setup():
    import m
    return S(m=m, alias=m.Box[str], box=m.IntBox())


def check(s):
    assert s.alias().get() == 'new' == s.box.get()
    assert typing.get_origin(s.alias) is s.m.Box is typing.get_origin(s.m.IntBox)
    assert s.alias == s.m.Box[str] and s.box.kind == 'box'
