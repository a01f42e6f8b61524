class P:
    __slots__ = ('k3', '__dict__')
    def __init__(self, **k): self.__dict__.update(k)
