from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, a=m.a)


def check(s):
    f, key, options = s.m.TABLE['a']
    assert f is s.a is s.m.a and key(1) == 3 and options == {'color': 'blue'}
    assert list(s.m.TABLE) == ['a']
