def tag(f):
    f.tag = 'old'
    return f
