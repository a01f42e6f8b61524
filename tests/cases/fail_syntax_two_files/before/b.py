Y = 1


def g():
    return 'b1'
