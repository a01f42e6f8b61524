def f():
    return 'text 2'


STATE = []
