A = 2
B = 1
STATE = {}


def f():
    return 'f3', A, B
