KINDS = []


def kind(cls):
    KINDS.append(cls)
    return cls


@kind
class P:
    __slots__ = ('x', 'y')

    def __init__(self, x, y, z=0):
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
    __slots__ = ('next', 'more')

    def __init__(self, next=None):
        self.next = next
        self.more = {}


def ring():
    a = Node()
    a.next = Node(a)
    return a


class N:
    head = ring()


ORIGIN = P(0, 0, 10)
FAR = P(1, 2, 3)
NAMED = Q(7, 8, 9)
NAMED.name = 'q'
TABLE = {'a': P(1, 1), 'b': P(2, 2, 5), 'c': P(3, 3)}
