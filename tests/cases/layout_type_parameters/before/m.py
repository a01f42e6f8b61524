class P[T]:
    __slots__ = ('x',)
    def __init__(self, x: T): self.x = x
    def get(self) -> T: return self.x


class Q(P[int]): pass
