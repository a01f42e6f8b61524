from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, obj=m.make(1), make=m.make)


def check(s):
    assert isinstance(s.obj, s.m.NewName) and not hasattr(s.m, 'OldName')
    assert type(s.obj).__name__ == 'NewName' == type(s.obj).__qualname__
    assert s.make(1).n == 101
