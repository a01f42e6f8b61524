from types import SimpleNamespace as S


def setup():
    import m
    m.login('ann')
    return S(m=m, session=m.session)


def check(s):
    assert s.m.session is s.session and not hasattr(s.m, 'old')
