def numbers():
    n = 0
    while True:
        n += 1
        yield "second", n, n


def counter():
    n = 0
    while True:
        n += 1
        yield n


def shifted():
    n = 0
    while True:
        n += 1
        yield "moved", n
