BUSY = True


def f():
    return 2
