Y = 5
from a import X


def both():
    return X + Y
