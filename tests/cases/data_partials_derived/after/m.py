from functools import partial
from operator import itemgetter, methodcaller

CONST = 2
KEY = "b"


def power(x, r=0):
    return x * r


P = partial(power, r=CONST)
Q = P(10)
GET = itemgetter(KEY)
CALL = methodcaller("ljust", CONST)
EDITED = partial(power, 7, r=3)
TABLE = {"p": partial(power, r=CONST)}
CHANGED = partial(power, r=CONST)


class C:
    method = partial(power, r=CONST)
