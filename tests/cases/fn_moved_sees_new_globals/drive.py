from types import SimpleNamespace as S


def setup():
    import a, b, user
    return S(a=a, b=b, user=user, call=user.call, held=[user.price])


def check(s):
    assert s.call(2) == 100
    assert s.held[0](2) == 100, s.held[0](2)
    assert not hasattr(s.a, 'price')
