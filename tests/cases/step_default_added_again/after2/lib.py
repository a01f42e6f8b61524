def make(name=None, size=2, extra=True, last=0):
    return (name, size, extra, last)


def other():
    return 'other'
