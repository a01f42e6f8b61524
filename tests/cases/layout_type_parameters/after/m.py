class P[T]:
    __slots__ = ('x', 'y')
    def __init__(self, x: T): self.x = x; self.y = 1
    def get(self) -> T: return self.x


class Q(P[int]): pass
