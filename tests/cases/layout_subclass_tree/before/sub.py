from m import P

MADE = []


class Q(P):
    __slots__ = ('q',)
    count = 0

    def __init_subclass__(cls, tag=None):
        MADE.append((cls.__name__, tag))


class R(Q, tag='r'):
    def hello(self):
        return super().hello() + ' r'


class Mixin:
    pass


class T(Mixin, R):
    pass
