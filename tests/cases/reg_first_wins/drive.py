from types import SimpleNamespace as S


def setup():
    import hub, m
    return S(hub=hub, m=m, a=m.a)


def check(s):
    h, m = s.hub, s.m
    assert m.a is s.a and m.a() == 2
    assert list(h.TABLE) == ['a', 'b'] and h.TABLE['a'][0] is m.a and h.TABLE['b'][0] is m.b, h.TABLE
    assert h.SEEN == {m.a, m.b}, h.SEEN
