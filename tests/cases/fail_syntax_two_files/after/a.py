X = 2


def f():
    return 'a2'
