import collections.abc
from types import SimpleNamespace as S


def setup():
    import m
    m.Shape.register(m.Late)
    things = [cls() for cls in (m.Tri, m.Sq, m.Dot, m.Late, m.Arc)]
    path = m.Path()
    assert kinds(m, things) == "Solid Shape - Shape Shape", kinds(m, things)
    assert isinstance(path, collections.abc.Sequence) and isinstance(path, collections.abc.Hashable)
    deals = m.Buy(), m.Sell()
    assert all(isinstance(deal, m.Order) for deal in deals)
    return S(m=m, things=things, path=path, deals=deals)


def kinds(m, things):
    return " ".join("Solid" if isinstance(thing, m.Solid) else "Shape" if isinstance(thing, m.Shape) else "-" for thing in things)


def check(s):
    assert kinds(s.m, s.things) == "- Shape Solid Shape Shape", kinds(s.m, s.things)
    assert s.m.Arc.turn == 2 and isinstance(s.things[4], s.m.Base)
    assert [isinstance(deal, s.m.Order) for deal in s.deals] == [True, False]      # both sides of it run again
    assert not isinstance(s.path, collections.abc.Sequence) and isinstance(s.path, collections.abc.Hashable)


def check2(s):
    assert kinds(s.m, s.things) == "Shape - Shape Shape Shape", kinds(s.m, s.things)
