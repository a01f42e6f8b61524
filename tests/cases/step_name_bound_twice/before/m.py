mode = 'first'
LABEL = mode + '-1'
mode = 'second'


def both():
    return LABEL, mode
