def f():
    return 'old'


N = 1
