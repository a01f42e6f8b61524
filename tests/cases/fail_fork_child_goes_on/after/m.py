import drive

ITEMS = ['run time']


def f():
    return 'v2'


ITEMS.append('staged')
drive.fork()
