N = 1


def f():
    return 'v1', N
