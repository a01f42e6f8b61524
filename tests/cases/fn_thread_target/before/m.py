OUT = []


def target():
    OUT.append('old')
