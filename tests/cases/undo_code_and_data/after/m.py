SPEED = 5
LIMIT = 20


def f():
    return 'v2'
