class A:
    __slots__ = ('x', '__weakref__')


class B:
    __slots__ = ('x',)
