class P:
    __slots__ = ('x', 'y')
    def __init__(self, x): self.x = x; self.y = 1
    def __migrate__(self, update):
        if update.old.x == 500: raise RuntimeError('no')
        self.y = 2
