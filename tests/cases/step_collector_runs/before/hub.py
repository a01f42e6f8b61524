ALL = []


def on(f):
    ALL.append(f)
    return f
