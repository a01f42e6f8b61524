NAMES = ['a', 'b', 'c']
TABLE = {'x': 1, 'y': 3}


def names():
    for n in NAMES:
        yield n
