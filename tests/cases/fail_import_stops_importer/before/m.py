import os


def load():
    import part
    return part.V


X = 1
