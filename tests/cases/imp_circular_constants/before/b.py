Y = 1
from a import X


def both():
    return X + Y
