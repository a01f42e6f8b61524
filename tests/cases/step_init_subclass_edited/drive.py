from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, cls=m.Fast, obj=m.Fast())


def check(s):
    assert s.m.Fast is s.cls and type(s.obj) is s.cls
    assert s.obj.slug == 'plugin-fast', s.obj.slug
