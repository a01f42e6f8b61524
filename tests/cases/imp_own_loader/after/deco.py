LIMIT = 2


def tag(f):
    f.tag = 'new'
    return f
