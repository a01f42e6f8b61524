from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, cart=m.Cart())


def check(s):
    try:
        s.cart.pay()
    except ZeroDivisionError as e:
        line = e.__traceback__.tb_next.tb_lineno
    assert line == 15, line
    assert s.m.Cart.add.__code__.co_firstlineno == 9
    assert s.probe.ticks('body') == 1
