from lib2 import f


def call():
    return f()
