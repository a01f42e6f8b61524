class Node:
    __slots__ = ('a', 'b')

    def __init__(self, a, b):
        self.a, self.b = a, b
