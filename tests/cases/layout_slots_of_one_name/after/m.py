class A:
    __slots__ = ('x', 'y')


class B(A):
    __slots__ = ('x',)
