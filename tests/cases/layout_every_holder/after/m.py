class P:
    __slots__ = ('x', 'y')
    def __init__(self, x): self.x = x; self.y = 1
    def __lt__(self, o): return self.x < o.x
    def meth(self): return self
    def __call__(self, *a): return self
