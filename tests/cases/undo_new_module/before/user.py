from tools import f


def call():
    return f()
