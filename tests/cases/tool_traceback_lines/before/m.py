def inner():
    raise ValueError('deep')


def outer():
    return inner()
