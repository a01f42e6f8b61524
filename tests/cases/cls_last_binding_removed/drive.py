from types import SimpleNamespace as S


def setup():
    import m
    k = m.K()
    return S(m=m, k=k)


def check(s):
    k = s.k
    assert k.a == 1


def check2(s):
    k = s.k
    assert k.m() == 1


def check3(s):
    k = s.k
    k.c = 1
    assert k.v == 1 and k.c == 1
    try:
        del k.c
    except AttributeError:
        pass
    else:
        assert 0


def check4(s):
    k = s.k
    try:
        k.c = 2
    except AttributeError:
        pass
    else:
        assert 0
    assert k.c == 1
