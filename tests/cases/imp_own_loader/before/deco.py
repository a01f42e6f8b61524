LIMIT = 1


def tag(f):
    f.tag = 'old'
    return f
