TABLE = {}
SEEN = set()


def on(f):
    if f.__name__ not in TABLE:
        TABLE[f.__name__] = (f, len(SEEN))
    if not any(g.__name__ == f.__name__ for g in SEEN):
        SEEN.add(f)
    return f
