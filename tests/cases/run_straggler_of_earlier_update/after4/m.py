STEP = 2


def new():
    """What is above has moved all."""


def numbers():
    n = 0
    while True:
        n += 10
        yield 'item', n


def counter():
    n = 0
    while True:
        n += STEP
        yield n


def shifted():
    n = 0
    while True:
        n += 100
        yield 'item', n
