from collections import namedtuple
from typing import NamedTuple


class P(NamedTuple):
    y: int
    x: int
    z: int = 9


class Sub(P):
    pass


class Line(NamedTuple):
    a: P
    b: P


class Row(namedtuple('RowBase', 'a b', defaults=['r'])):
    def wide(self):
        return 'wide'


More = namedtuple('More', 'head tail', defaults=[None])
ORIGIN = P(0, 0)
NEW = P(1, 2, 3)


def total(p=ORIGIN):
    return sum(p)
