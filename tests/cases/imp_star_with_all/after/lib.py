__all__ = ['one', 'three', '_hidden']


def one():
    return 11


def two():
    return 2


def three():
    return 3


_hidden = 'h'
