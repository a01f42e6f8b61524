import functools
import typing
from typing import Generic, Protocol, TypedDict, TypeVar, runtime_checkable

T = TypeVar('T')


class Box(Generic[T]):
    __slots__ = ('item', 'label', '__weakref__')

    def __init__(self, item):
        self.item = item
        self.label = 'b'


class Pair(Box[int]):
    __slots__ = ('other',)

    def __init__(self, item, other):
        super().__init__(item)
        self.other = other


@runtime_checkable
class HasName(Protocol):
    def name(self): ...


class Impl(HasName):
    __slots__ = ('extra',)

    def __init__(self):
        self.extra = None

    def name(self):
        return 'impl'


class Move(TypedDict):
    x: int
    y: int


class Holder:
    box: typing.Optional[Box[int]]

    def __init__(self, box):
        self.box = box

    def take(self, b: Box):
        return b


Boxes = list[Box]
Maybe = typing.Optional[Box]
Union_ = int | Box
Other = typing.List[Box]


@functools.singledispatch
def show(x):
    return 'other'


@show.register
def _(x: Box):
    return 'box ' + getattr(x, 'label', '-')
