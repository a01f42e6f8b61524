from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, node=m.Node())


def check(s):
    assert isinstance(s.node, s.m.Node)
    assert not hasattr(s.node, 'name') and not hasattr(s.m.Node, '__add__')
