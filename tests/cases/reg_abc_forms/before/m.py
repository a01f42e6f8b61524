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


class Dot:
    pass


class Late:
    pass


@collections.abc.Hashable.register
@collections.abc.Sequence.register
class Path:
    __hash__ = None


Solid.register(Tri)
Shape.register(Sq)


@Shape.register
class Arc:
    turn = 1


class Order(abc.ABC):
    kind = 1


@Order.register
class Buy:
    pass


@Order.register
class Sell:
    pass
