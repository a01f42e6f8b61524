import abc
import functools


class Shape(abc.ABC):
    __slots__ = ('unit',)

    def __init__(self):
        self.unit = None

    @abc.abstractmethod
    def area(self): ...


class Impl(Shape):
    __slots__ = ()

    def area(self):
        return 2


@Shape.register
class A:
    __slots__ = ('x', 'y', 'z')


class B:
    __slots__ = ('x', 'y', 'z')


@functools.singledispatch
def show(x):
    return '-'


@show.register
def _(x: A):
    return 'a'


@show.register
def _(x: Shape):
    return 'shape'


table = {A: lambda x: 1}
