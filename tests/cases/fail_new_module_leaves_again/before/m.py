import pkg


def f():
    return 'old'
