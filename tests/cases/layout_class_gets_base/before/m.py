class Base:
    def base(self):
        return 'base'


class WithSlot:
    __slots__ = ('s',)


class Own:
    def f(self):
        return 1


class Slotted:
    def f(self):
        return 1


class Dict:
    def f(self):
        return 1


class List:
    def f(self):
        return 1


class Set:
    def f(self):
        return 1


class Error:
    def f(self):
        return 1


class Deep:
    def f(self):
        return 1
