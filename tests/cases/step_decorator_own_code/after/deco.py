def tag(f):
    f.tag = 'new'
    f.extra = True
    return f
