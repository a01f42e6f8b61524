LOADED = []


def load():
    with open('table.txt') as f:
        LOADED[:] = f.read().split()
