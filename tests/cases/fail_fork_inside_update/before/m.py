def f():
    return 'v1'
