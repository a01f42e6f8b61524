def f():
    return 'new'


N = 2
