LISTENERS = set()


def listen(f):
    LISTENERS.add(f)
    return f
