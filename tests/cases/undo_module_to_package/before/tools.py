COUNT = []


def f():
    return 'module'
