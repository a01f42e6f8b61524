E = 2


def g():
    return 'g2'
