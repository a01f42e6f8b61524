def f():
    return 'lib 1'


def g():
    return 'lib g 1'
