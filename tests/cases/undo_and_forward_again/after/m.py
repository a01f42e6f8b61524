def f():
    return 'v2'


def g():
    return 'g'


class C:
    x = 2
    y = 3
