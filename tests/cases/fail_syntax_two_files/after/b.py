Y = 2


def g(:
    return 'b2'
