from conf import PARTS

SHARE = 100 // PARTS


def f():
    return SHARE
