import os


def inner():
    raise ValueError('deep')


def added():
    pass


def outer():
    x = 1
    return inner()
