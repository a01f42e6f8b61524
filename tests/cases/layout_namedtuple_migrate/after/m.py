from typing import NamedTuple


def tenfold(x):
    return x * 10


class P(NamedTuple):
    x: int
    y: int

    def __migrate__(self, update):
        assert self[0] == update.old[0] and self[1] is None
        return (update.old[0], tenfold(update.old[0]))
