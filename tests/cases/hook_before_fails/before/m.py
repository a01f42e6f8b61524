def __before_update__(update):
    return 1 / 0


def f():
    return 1
