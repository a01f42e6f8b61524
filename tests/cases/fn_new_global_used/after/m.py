import math

FACTOR = 2


def helper(n):
    return math.floor(n * FACTOR)


def f():
    return helper(1.75)
