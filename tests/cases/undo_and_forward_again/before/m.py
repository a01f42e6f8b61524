def f():
    return 'v1'


class C:
    x = 1
