import probe

LIST = []
LIST.append('new')


def f():
    return 2
