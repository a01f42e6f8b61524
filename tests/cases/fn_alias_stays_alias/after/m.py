def f():
    return 2


g = f
