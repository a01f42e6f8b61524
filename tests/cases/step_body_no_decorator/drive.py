from types import SimpleNamespace as S


def setup():
    import m, probe
    return S(m=m, probe=probe, price=m.price, inner=m.price.__wrapped__)


def check(s):
    assert s.price(2) == ('traced', 6) == s.m.price(2), s.price(2)
    assert s.price is s.m.price and s.inner is s.m.price.__wrapped__
    assert s.inner(1) == 3
    assert s.probe.ticks('price') == 1
