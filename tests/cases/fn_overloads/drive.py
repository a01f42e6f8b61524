from types import SimpleNamespace as S


import typing


def setup():
    import m
    return S(m=m, conv=m.conv)


def check(s):
    assert s.conv(255) == '0xff' and s.conv('ff') == 255
    assert s.m.conv is s.conv
    assert len(typing.get_overloads(s.m.conv)) == 2
