import mid


def g():
    return 'g1', mid.a.V
