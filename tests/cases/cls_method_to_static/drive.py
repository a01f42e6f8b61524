from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, tool=m.Tool())


def check(s):
    assert s.tool.make() == 'Tool' == s.m.Tool.make()
    assert s.tool.plain() == 'Tool'
