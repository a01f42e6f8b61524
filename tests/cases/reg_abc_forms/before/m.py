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
