mode = 'first'
LABEL = mode + '-2'
mode = 'second'


def both():
    return LABEL, mode
