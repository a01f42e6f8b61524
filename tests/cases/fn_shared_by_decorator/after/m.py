import functools


def shared(self=None):
    return 'shared'


def other():
    return shared()


def deco(f):
    return shared


def named():
    return 'named'


class Own:
    ROW = 1

    def run(self):
        return 'own'


@functools.total_ordering
class Card:
    def __init__(self, n):
        self.n = n

    def __gt__(self, o):
        return self.n < o.n


@functools.total_ordering
class Coin:
    def __init__(self, n):
        self.n = n

    def __lt__(self, o):
        return self.n < o.n
