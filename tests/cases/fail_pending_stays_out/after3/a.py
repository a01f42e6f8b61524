def f():
    return 'a3'
