class Node:
    __slots__ = ('a',)

    def __init__(self):
        self.a = 1
