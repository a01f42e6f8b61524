class P:
    __slots__ = ('x', 'y')
    def __init__(self, x=0): self.x = x; self.y = 1
    def __call__(self, *a, **k): return self
