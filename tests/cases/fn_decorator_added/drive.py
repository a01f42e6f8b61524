from types import SimpleNamespace as S


def setup():
    import m, user
    return S(m=m, user=user, hello=m.hello)


def check(s):
    assert s.m.hello('x') == 'HELLO X'
    assert s.hello('x') == 'HELLO X', s.hello('x')
    assert s.user.TABLE['hello']('x') == 'HELLO X' == s.user.hello('x')
