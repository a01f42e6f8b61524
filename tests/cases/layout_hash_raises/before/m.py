class P:
    __slots__ = ('x', 'bad')
    def __init__(self, x): self.x = x; self.bad = False
    def __hash__(self):
        if self.bad: raise RuntimeError('hash')
        return hash(self.x)
    def __eq__(self, o):
        if self.bad or getattr(o, 'bad', 0): raise RuntimeError('eq')
        return self.x == o.x
