NAMES = ['a', 'b']
TABLE = {'x': 1, 'y': 2}


def names():
    for n in NAMES:
        yield n
