class P:
    __slots__ = ('y', '__dict__')
