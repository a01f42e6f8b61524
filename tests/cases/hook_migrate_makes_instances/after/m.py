import dataclasses


class Node:
    __slots__ = ('v', 'w', 'twin')

    def __init__(self, v):
        self.v = v
        self.w = 0
        self.twin = None

    def __migrate__(self, update):
        self.w = 'one'
        if self.v < 10:
            self.twin = Node(self.v + 10)


class Plain:
    def __init__(self, v):
        self.v = v
        self.extra = []

    def __migrate__(self, update):
        self.extra = [1]
        if self.v < 5:
            self.other = Plain(5)


@dataclasses.dataclass
class Auto:
    part: Node = dataclasses.field(default_factory=lambda: Node(7))
