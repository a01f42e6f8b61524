import dep


def f():
    return 'm2', dep.d()
