from extra import E, g


def f():
    return E, g()
