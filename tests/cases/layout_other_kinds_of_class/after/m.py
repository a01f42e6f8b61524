import abc
import dataclasses
import enum
import typing

T = typing.TypeVar('T')


class Slotted:
    __slots__ = ('s',)


class Abc(abc.ABC):
    def f(self):
        return 2


class Gen(typing.Generic[T]):
    def f(self):
        return 2


@typing.runtime_checkable
class Proto(typing.Protocol):
    def f(self): ...


@dataclasses.dataclass(slots=True)
class Data:
    v: int

    def f(self):
        return 2


class Below(Slotted, Proto):
    def f(self):
        return 2


class Up:
    __slots__ = ('u', 'v')

    def f(self):
        return 2


class Low(Up):
    def f(self):
        return 2


class Color(str, enum.Enum):
    RED = 'red'
