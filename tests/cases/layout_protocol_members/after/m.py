from typing import Protocol, runtime_checkable


@runtime_checkable
class Named(Protocol):
    __slots__ = ('cache',)

    def name(self): ...
    def size(self): ...


class A:
    def name(self):
        return 'a'


class B(Named):
    def name(self):
        return 'b'

    def size(self):
        return 1


class Explicit(Named):
    __slots__ = ()

    def __init__(self):
        self.cache = 0

    def name(self):
        return 'e'
