class Node:
    __slots__ = ('a',)

    def __init__(self, a):
        self.a = a
