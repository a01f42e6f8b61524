from lib1 import f


def call():
    return f()
