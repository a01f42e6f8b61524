class Node:
    __slots__ = ('a', 'b')

    def __init__(self):
        self.a, self.b = 1, 2
