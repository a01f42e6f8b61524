from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, view=m.view)


def check(s):
    assert s.view.methods == ['GET', 'POST'] and s.m.other.methods is s.view.methods
