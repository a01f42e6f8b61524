import os
from lib import A, B


def get():
    return A, B
