class Node:
    __slots__ = ('other', 'name')

    def __init__(self, name):
        self.name = name
        self.other = self
