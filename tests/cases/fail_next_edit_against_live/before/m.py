A = 1
B = 1
STATE = {}


def f():
    return 'f1', A, B
