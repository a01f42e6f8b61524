from types import SimpleNamespace as S


def setup():
    import m
    assert [m.show(value) for value in (2.0, "", 1)] == ["number", "text", "thing"]
    return S(m=m, show=m.show)


def check(s):
    assert [s.show(value) for value in (2.0, "", 1)] == ["thing", "text", "thing"]
