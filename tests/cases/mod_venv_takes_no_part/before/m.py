import dep


def f():
    return 'm1', dep.d()
