def f():
    return 'f1'


GONE = 1
