class P:
    __slots__ = ('x',)
    def __init__(self, x): self.x = x
    def __lt__(self, o): return self.x < o.x
    def meth(self): return self
    def __call__(self, *a): return self
