LIMIT = 2
STATE = []


def f():
    return 'new', LIMIT
