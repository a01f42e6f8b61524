# coding: no-such-codec
def f():
    return 2
