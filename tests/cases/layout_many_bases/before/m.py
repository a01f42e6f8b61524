class A:
    __slots__ = ('a',)


class B:
    __slots__ = ()
    def b(self): return 'b'


class C(A, B):
    __slots__ = ('c', '__dict__', '__weakref__')


class D(B, C.__mro__[1]):
    pass


class I(int, B):
    pass
