E = 1


def g():
    return 'g1'
