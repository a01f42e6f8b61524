class P:
    __slots__ = ('x', '__weakref__')
