from conf import LEVEL, OTHER


def set_level(n):
    global LEVEL
    LEVEL = n


def get():
    return LEVEL, OTHER
