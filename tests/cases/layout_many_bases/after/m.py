class A:
    __slots__ = ('a', 'a2')


class B:
    __slots__ = ()
    def b(self): return 'b2'


class C(A, B):
    __slots__ = ('c', '__dict__', '__weakref__')


class D(B, C.__mro__[1]):
    pass


class I(int, B):
    pass
