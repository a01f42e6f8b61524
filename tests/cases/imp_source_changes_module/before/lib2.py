def f():
    return 'lib2'
