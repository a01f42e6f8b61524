from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m)


def check(s):
    m = s.m
    assert m.Own.made == (None, 1, True), m.Own.made
    assert m.Built.made == ('Built', 1, True), m.Built.made
    assert m.lib.sold() == ('all', 'here')
    assert m.SOLD == ('all', 'here'), m.SOLD
