from types import SimpleNamespace as S


def setup():
    import app, m
    return S(app=app.app, m=m)


def check(s):
    assert s.app.views == {'index': s.m.index, 'contact': s.m.contact}, s.app.views
    assert s.m.contact() == 'contact'
