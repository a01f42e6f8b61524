import abc


class Shape(abc.ABC):
    v = 1

    @abc.abstractmethod
    def area(self): ...


@Shape.register
class A:
    w = 1
