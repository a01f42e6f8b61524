import pkg.extra


def f():
    return 'new', pkg.extra.X


raise RuntimeError
