from types import SimpleNamespace as S


def setup():
    import m
    f = m.File()
    isinstance(f, m.Closeable), issubclass(m.File, m.Closeable)
    return S(m=m, f=f)


def check(s):
    assert isinstance(s.f, s.m.Closeable)
    assert issubclass(s.m.File, s.m.Closeable)
