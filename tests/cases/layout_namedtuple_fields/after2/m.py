from collections import namedtuple
from typing import NamedTuple


class P(NamedTuple):
    x: int


class Sub(P):
    pass


class Line(NamedTuple):
    a: P
    b: P


class Row(namedtuple('RowBase', 'a')):
    def wide(self):
        return 'narrow'


More = namedtuple('More', 'head')
ORIGIN = P(0)


def total(p=ORIGIN):
    return sum(p)
