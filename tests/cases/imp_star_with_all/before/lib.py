__all__ = ['one', 'two']


def one():
    return 1


def two():
    return 2


def three():
    return 3


_hidden = 'h'
