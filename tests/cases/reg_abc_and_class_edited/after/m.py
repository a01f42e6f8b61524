import abc


class Shape(abc.ABC):
    v = 2

    @abc.abstractmethod
    def area(self): ...


@Shape.register
class A:
    w = 2


@Shape.register
class B:
    pass
