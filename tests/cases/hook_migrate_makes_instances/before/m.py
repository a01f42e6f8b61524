import dataclasses


class Node:
    __slots__ = ('v',)

    def __init__(self, v):
        self.v = v


class Plain:
    def __init__(self, v):
        self.v = v


@dataclasses.dataclass
class Auto:
    pass
