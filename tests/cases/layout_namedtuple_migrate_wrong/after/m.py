from typing import NamedTuple


class P(NamedTuple):
    x: int
    y: int

    def __migrate__(self, update):
        pass
