def make(name=None, size=1):
    return (name, size)


def other():
    return 'other'
