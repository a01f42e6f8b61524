N = 2


def f():
    return 'v2', N
