import functools


class P:
    __slots__ = ('x', '__dict__')
    @functools.singledispatchmethod
    def sd(self, a): return 'o'
    @sd.register
    def _(self, a: int): return 'i'
