N = 3


def f():
    return 'v3', N
