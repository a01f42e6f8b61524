OUT = []


def target():
    OUT.append('new')
