from types import SimpleNamespace as S


def setup():
    import app, urls
    return S(app=app, urls=urls, link=app.link)


def check(s):
    assert s.urls.HOME == 'http://localhost:8080/', s.urls.HOME
    assert s.link() == 'http://localhost:8080/b', s.link()
