class L(list):
    pass


class D(dict):
    pass


class Z(set):
    pass


class I(int):
    pass


class U(str):
    pass


class T(tuple):
    pass


class E(Exception):
    __slots__ = ('code',)
