LOG = []


class P:
    __slots__ = ('x', 'y', '__weakref__')
    def __init__(self, x): self.x = x; self.y = 1
    def __del__(self): LOG.append((self.x, self.y))
    def __migrate__(self, update):
        import gc; gc.collect(); gc.freeze(); gc.unfreeze(); gc.collect()
        self.y = 5
