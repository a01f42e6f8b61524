SPEED = 1
LIMIT = 10


def f():
    return 'v1'
