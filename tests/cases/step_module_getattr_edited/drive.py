from types import SimpleNamespace as S


def setup():
    import m, lazy
    return S(m=m, lazy=lazy, get=m.get)


def check(s):
    assert s.lazy.other == 'new other'
    assert s.get() == 'new thing', s.get()
