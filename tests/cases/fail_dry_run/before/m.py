import probe

LIST = []


def f():
    return 1
