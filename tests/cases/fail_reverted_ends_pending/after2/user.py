import a


def g():
    return 'g2', a.V
