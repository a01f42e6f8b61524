import abc
import dataclasses
import enum
import typing

T = typing.TypeVar('T')


class Slotted:
    __slots__ = ('s',)


class Abc:
    def f(self):
        return 1


class Gen:
    def f(self):
        return 1


class Proto:
    def f(self):
        return 1


class Data:
    def f(self):
        return 1


class Below:
    def f(self):
        return 1


class Up:
    def f(self):
        return 1


class Low:
    def f(self):
        return 1


class Color(enum.Enum):
    RED = 'red'
