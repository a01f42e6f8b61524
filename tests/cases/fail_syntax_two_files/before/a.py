X = 1


def f():
    return 'a1'
