from typing import NamedTuple


class P(NamedTuple):
    x: int


def version():
    return 1
