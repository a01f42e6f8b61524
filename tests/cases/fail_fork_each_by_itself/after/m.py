def f():
    return 'v2'
