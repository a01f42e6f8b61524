import helper
from newpkg.deep import VALUE


def f():
    return helper.g(), VALUE
