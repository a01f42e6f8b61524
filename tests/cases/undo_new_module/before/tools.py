def f():
    return 'module'
