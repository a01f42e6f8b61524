class A:
    __slots__ = ('x',)


class B(A):
    __slots__ = ('x',)
