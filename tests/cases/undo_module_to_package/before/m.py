import tools
from tools import f


def call():
    return f(), tools.f()
