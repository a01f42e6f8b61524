from types import SimpleNamespace as S


def setup():
    import m
    assert set(m.X) == {1}
    for _ in range(1000):
        m.use()
    return S(m=m)


def check(s):
    assert set(s.m.X) == {2}, s.m.X
    assert set(s.m.use()) == {2}
