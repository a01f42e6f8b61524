VALUE = 'new'


def f():
    return 2
