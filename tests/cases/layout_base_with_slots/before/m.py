class Base:
    __slots__ = ('z',)

    def base(self):
        return 'base'


class P:
    __slots__ = ('x',)

    def __init__(self, x):
        self.x = x
