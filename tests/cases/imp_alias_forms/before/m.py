from lib import RATE as r, MODE
from lib import (
    Tool as T,
    run as go,
)


def state():
    return r, MODE, T.__name__, go()
