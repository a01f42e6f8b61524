from typing import Protocol, runtime_checkable


@runtime_checkable
class Named(Protocol):
    def name(self): ...


class A:
    def name(self):
        return 'a'


class B:
    def name(self):
        return 'b'

    def size(self):
        return 1


class Explicit(Named):
    __slots__ = ()

    def name(self):
        return 'e'
