LOG = []


class P:
    __slots__ = ('z', '__dict__')
    def __init__(self): self.y = 2
    @property
    def x(self): LOG.append('get'); return 5
    @x.setter
    def x(self, v): LOG.append('set')
    def __setattr__(self, k, v): LOG.append('sa'); object.__setattr__(self, k, v)
    def __getattribute__(self, k): LOG.append('ga'); return object.__getattribute__(self, k)
