from types import SimpleNamespace as S


def setup():
    import m
    import n
    classes = (m.Base, m.Sub, n.Far, n.Dotted, n.Mixed)
    return S(m=m, n=n, classes=classes, held=[c() for c in classes])


def same(s, meta):
    m, n = s.m, s.n
    assert s.classes == (m.Base, m.Sub, n.Far, n.Dotted, n.Mixed)
    assert [type(c) for c in s.classes] == [meta] * 5, [type(c) for c in s.classes]
    assert [type(i) for i in s.held] == list(s.classes)
    assert [i.who() for i in s.held] == ["base", "sub", "base", "sub", "base"]
    assert type(m.Other) is type and type(n.Apart) is type
    assert n.ran.count("apart") == 1 and n.ran.count("far") == 1, n.ran


def check(s):
    same(s, s.m.Meta)
    assert s.m.Meta.made == list(s.classes), s.m.Meta.made
    assert len(s.n.Mixed) == 5
    assert s.n.Dotted.limit == 5


def check2(s):
    same(s, type)
    assert s.m.Meta.made == [], s.m.Meta.made


def check3(s):
    same(s, s.m.Meta)
    assert s.m.Base.__mro__ == (s.m.Base, s.m.Mixin, object)
    assert s.m.Meta.made == [s.m.Mixin, *s.classes], s.m.Meta.made
