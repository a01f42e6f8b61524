import abc
import collections.abc


class Shape(abc.ABC):
    pass


class Solid(Shape):
    pass


class Tri:
    pass


class Sq:
    pass


@Shape.register
class Dot:
    pass


class Late:
    pass


@collections.abc.Hashable.register
class Path:
    __hash__ = None


Shape.register(Tri)


class Base:
    pass


@Shape.register
class Arc(Base):
    turn = 2


class Order(abc.ABC, Base):
    kind = 1


@Order.register
class Buy(Base):
    pass


class Sell(Base):
    pass
