def f():
    return 'a2'


undefined
