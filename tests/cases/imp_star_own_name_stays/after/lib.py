def f():
    return 'lib 2'


def g():
    return 'lib g 2'
