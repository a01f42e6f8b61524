import dataclasses


class Plain:
    __slots__ = ('x',)

    def __init__(self, x):
        self.x = x

    def get(self):
        return self.x


class Node:
    __slots__ = ('next', 'kind', 'last')


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    a: int


class Hooked:
    __slots__ = ('v',)

    def __init__(self, v):
        self.v = v


@dataclasses.dataclass(slots=True)
class Made:
    pass

    name: str = ''


class Weak:
    __slots__ = ('v', '__weakref__')

    def __init__(self, v):
        self.v = v


class Big:
    __slots__ = ('a', 'b')

    def __init__(self, a, b):
        self.a = a
        self.b = b
