from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, gone=m.Gone() if hasattr(m, 'Gone') else None)


def check(s):
    assert not hasattr(s.m, 'Gone') and s.m.Stays.x == 2
    assert s.gone is None or s.gone.f() == 'still here'
