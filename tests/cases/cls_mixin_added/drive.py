from types import SimpleNamespace as S


def setup():
    import m, other
    return S(m=m, other=other, leaf=m.Leaf(), far=other.Far())


def check(s):
    assert s.leaf.a() == 'mixin base' == s.far.a(), s.leaf.a()
    assert [c.__name__ for c in s.other.Far.__mro__] == ['Far', 'Mid', 'Mixin', 'Base', 'object']
