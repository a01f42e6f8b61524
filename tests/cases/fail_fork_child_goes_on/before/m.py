ITEMS = ['run time']


def f():
    return 'v1'
