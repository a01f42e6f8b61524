from types import SimpleNamespace as S


def setup():
    import loading
    import own_m
    return S(loading=loading, m=own_m, one=own_m.one, holder=own_m.Holder())


def check(s):
    assert s.one is s.m.one and s.one() == 2
    assert s.m.DOUBLE == 4 and s.holder.method() == 4
    assert s.one.tag == 'new' and s.holder.method.tag == 'new'
