import dataclasses


class Plain:
    __slots__ = ('x', 'y')

    def __init__(self, x):
        self.x = x
        self.y = 0

    def get(self):
        return self.x

    @property
    def z(self):
        return []


class Node:
    __slots__ = ('kind', 'more', 'next')


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    a: int
    b: int = 2


class Hooked:
    __slots__ = ('v', 'total')

    def __init__(self, v):
        self.v = v
        self.total = 0

    def __migrate__(self, update):
        self.total = update.old.v * 10


@dataclasses.dataclass(slots=True)
class Made:
    pass

    name: str = ''
    parts: list = dataclasses.field(default_factory=list)


class Weak:
    __slots__ = ('v', 'u', '__weakref__')

    def __init__(self, v):
        self.v = v
        self.u = 1


class Big:
    __slots__ = ('a',)

    def __init__(self, a, b):
        self.a = a
