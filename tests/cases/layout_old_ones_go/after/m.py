class Node:
    __slots__ = ('other', 'name', 'note')

    def __init__(self, name):
        self.name = name
        self.other = self
