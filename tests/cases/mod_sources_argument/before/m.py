def f():
    return 'disk 1'


STATE = []
