class L(list):
    __slots__ = ()


class D(dict):
    __slots__ = ()


class Z(set):
    __slots__ = ()


class I(int):
    __slots__ = ()


class U(str):
    __slots__ = ()


class T(tuple):
    __slots__ = ()


class E(Exception):
    pass
