def f():
    return 'alone'
