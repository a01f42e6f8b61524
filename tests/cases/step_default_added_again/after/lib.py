def make(name=None, size=1, extra=True):
    return (name, size, extra)


def other():
    return 'other'
