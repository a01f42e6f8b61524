class Key:
    __slots__ = ('n', 'hits', '__weakref__')

    def __init__(self, n):
        self.n = n
        self.hits = 0

    def __hash__(self):
        return hash(self.n)

    def __eq__(self, other):
        return self.n == other.n
