import mid


def g():
    return 'g2', mid.a.V
