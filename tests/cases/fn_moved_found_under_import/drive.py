from types import SimpleNamespace as S


def setup():
    import a, b, user
    return S(a=a, b=b, user=user, clean=a.clean)


def check(s):
    assert s.b.clean(' A ') == 'a' == s.a.use(' A ') == s.user.clean(' A ')
    assert s.user.TABLE[0](' A ') == 'a', s.user.TABLE[0](' A ')
    assert s.clean is s.b.clean is s.a.clean
    assert s.clean.__module__ == 'b'
