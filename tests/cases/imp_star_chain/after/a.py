def f():
    return 'f2'


def fresh():
    return 'fresh'
