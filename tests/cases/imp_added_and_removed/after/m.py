import string
from lib import B, C


def get():
    return B, C, string.digits[:1]
