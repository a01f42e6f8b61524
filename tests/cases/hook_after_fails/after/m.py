def __after_update__(update):
    raise KeyError('after')


def f():
    return 2
