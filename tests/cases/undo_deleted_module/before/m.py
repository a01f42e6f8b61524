from pkg import helper
import pkg.helper
from pkg.helper import help


def f():
    return help() + helper.__name__
