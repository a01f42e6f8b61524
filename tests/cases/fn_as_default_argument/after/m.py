def key(x):
    return -x


def order(items, key=key):
    return sorted(items, key=key)
