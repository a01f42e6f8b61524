import drive


def f():
    return 'v2'


drive.fork()
