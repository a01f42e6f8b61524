from lib import *


def names():
    return sorted(n for n in ('one', 'two', 'three', '_hidden') if n in globals())
