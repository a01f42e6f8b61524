from a import DEPTH, current


def help_(n=DEPTH):
    return n, current()
