from .. import TOP
from ..conf import RATE
from . import other
from .other import X as x


def state():
    return TOP, RATE, other.X, x
