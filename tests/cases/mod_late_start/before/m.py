LIMIT = 1
STATE = []


def f():
    return 'old', LIMIT
