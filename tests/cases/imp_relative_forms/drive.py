from types import SimpleNamespace as S


def setup():
    from pkg.sub import leaf
    return S(leaf=leaf, state=leaf.state)


def check(s):
    assert s.state() == (2, 2, 2, 2), s.state()
