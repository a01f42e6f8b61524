import a


def g():
    return 'g1', a.V
