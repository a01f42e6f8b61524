class Base:
    def base(self):
        return 'base'


class WithSlot:
    __slots__ = ('s',)


class Own(Base):
    def f(self):
        return 2


class Slotted(WithSlot):
    def f(self):
        return 2


class Dict(dict):
    def f(self):
        return 2


class List(list):
    def f(self):
        return 2


class Set(set):
    def f(self):
        return 2


class Error(Exception):
    def f(self):
        return 2


class Deep(Error, KeyError):
    def f(self):
        return 2
