KINDS = []


def kind(cls):
    KINDS.append(cls)
    return cls


@kind
class P:
    __slots__ = ('x', 'y')

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def sum(self):
        return self.x + self.y

    def __eq__(self, other):
        return self.sum() == other.sum()

    def __hash__(self):
        return hash(self.sum())

    @classmethod
    def make(cls):
        return cls(1, 2)


@kind
class Q(P):
    __slots__ = ('name',)


class Node:
    __slots__ = ('next',)


class N:
    head = None


ORIGIN = P(0, 0)
TABLE = {'a': P(1, 1), 'c': P(3, 3)}
