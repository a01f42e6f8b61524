from b import *


def call():
    return f()
