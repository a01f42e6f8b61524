import pkg


def f():
    return 'alone'
