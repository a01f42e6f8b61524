import typing
from types import SimpleNamespace as S


def setup():
    import m
    return S(m=m, box=m.Box(1), pair=m.Pair(1, 2), kept=m.Box[int], lists=m.Boxes, opt=m.Maybe, u=m.Union_, o=m.Other, impl=m.Impl(),
             td=m.Move(x=1), seen=m.show(m.Box(3)), fields=m.Holder(None))


def check(s):
    m = s.m
    Box = m.Box
    assert type(s.box) is Box and (s.box.item, s.box.label) == (1, 'b')
    assert type(s.pair) is m.Pair and (s.pair.item, s.pair.other, s.pair.label) == (1, 2, 'b')
    assert m.Box[int].__origin__ is Box and s.kept.__origin__ is Box and s.kept == Box[int]
    assert typing.get_args(s.lists) == (Box,) and typing.get_args(m.Boxes) == (Box,), (s.lists, Box)
    assert typing.get_args(s.opt) == (Box, type(None)), s.opt
    assert typing.get_args(s.u) == (int, Box) and typing.get_args(m.Union_) == (int, Box)
    assert isinstance(s.box, s.u) and isinstance(3, s.u) and not isinstance('', s.u)
    assert (int | Box) == s.u and typing.Optional[Box] == s.opt
    assert typing.List[Box] == s.o and typing.get_args(typing.List[Box]) == (Box,)
    assert Box[int](4).label == 'b' and type(s.kept(4)) is Box
    assert isinstance(s.impl, m.HasName) and isinstance(s.impl, m.Impl) and s.impl.extra is None
    assert m.Move.__annotations__.keys() == {'x', 'y'} and s.td == {'x': 1} and m.Move(x=1, y=2)
    assert m.show(s.box) == 'box b' and m.show(3) == 'other'
    assert typing.get_type_hints(m.Holder.take)['b'] is Box, typing.get_type_hints(m.Holder.take)
    assert typing.get_type_hints(m.Holder) == {'box': Box[int] | None} or typing.get_type_hints(m.Holder) == {'box': typing.Optional[Box[int]]}
    assert Box.__parameters__ == (m.T,) and Box.__orig_bases__ == (typing.Generic[m.T],)
