import abc
import functools


class Shape(abc.ABC):
    __slots__ = ()

    @abc.abstractmethod
    def area(self): ...


class Impl(Shape):
    __slots__ = ()

    def area(self):
        return 1


@Shape.register
class A:
    __slots__ = ('x',)


class B:
    __slots__ = ('x',)


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
