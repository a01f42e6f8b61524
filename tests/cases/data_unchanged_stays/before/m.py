COUNT = 0
CACHE = {}
NAME = 'n'


def f():
    return 1
