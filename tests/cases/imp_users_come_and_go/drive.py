from types import SimpleNamespace as S


def setup():
    import end, shop
    return S(shop=shop, end=end)


def check(s):
    assert s.shop.price() == 20
    assert s.end.VALUE == 2              # by way of hub


def check2(s):
    import late                          # a user that comes late
    assert s.shop.FIXED == 200           # it was no user before
    assert late.ONCE == 2


def check3(s):
    import late
    s.made = late.MADE
    assert (s.shop.FIXED, s.shop.price(), late.ONCE, s.end.VALUE) == (300, 30, 3, 3)


def check4(s):
    import late
    assert (s.shop.FIXED, s.shop.price(), late.ONCE, s.end.VALUE) == (300, 30, 3, 3)
    assert late.MADE() == 5
    assert late.MADE is getattr(s, 'made', late.MADE)    # nested code only: nothing runs again
