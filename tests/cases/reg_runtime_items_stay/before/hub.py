HANDLERS = []
ACTIVE = {}


def handler(f):
    HANDLERS.append(f)
    return f


def enable(f):
    ACTIVE[f.__name__] = f
