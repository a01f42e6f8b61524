from types import SimpleNamespace as S


def setup():
    import a, user
    return S(a=a, user=user, g=user.g)


def check(s):
    assert s.g() == ('g1', 1)


def check2(s):
    assert s.g() == ('g2', 1)


def report2(s, r):
    import midflight
    assert not midflight.status()['pending'], midflight.status()
