from types import SimpleNamespace as S


def setup():
    import web.view
    return S(page=web.view.page, cart=web.basket.Cart())


def check(s):
    assert s.page(1, 2) == ('Rate: 3', 4 + 7 + 300, 'new'), s.page(1, 2)
    assert s.cart.total(1) == 304
