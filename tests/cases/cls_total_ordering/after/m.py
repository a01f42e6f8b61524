import functools


@functools.total_ordering
class Card:
    def __init__(self, n):
        self.n = n

    def __eq__(self, o):
        return self.n == o.n

    def __gt__(self, o):
        return -self.n > -o.n
