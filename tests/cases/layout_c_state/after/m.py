class E(OSError):
    __slots__ = ('code',)
