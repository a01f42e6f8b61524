from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, state=m.state)


def check(s):
    assert s.state() == (2, 'b', 'Tool', 2), s.state()
