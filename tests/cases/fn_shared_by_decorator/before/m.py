import functools


def shared(self=None):
    return 'shared'


def other():
    return shared()


def deco(f):
    return shared


@deco
def named():
    return 'never'


class Own:
    ROW = 1
    run = shared


@functools.total_ordering
class Card:
    def __init__(self, n):
        self.n = n

    def __lt__(self, o):
        return self.n < o.n


@functools.total_ordering
class Coin:
    def __init__(self, n):
        self.n = n

    def __lt__(self, o):
        return self.n < o.n
