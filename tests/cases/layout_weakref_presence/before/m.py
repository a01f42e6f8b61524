class A:
    __slots__ = ('x',)


class B:
    pass
