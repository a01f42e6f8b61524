class Node:
    __slots__ = ('left', 'right')

    def __init__(self, left=None, right=None):
        self.left, self.right = left, right
