import helper


def f():
    return helper.g()
