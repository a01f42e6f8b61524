def exempt(level):
    def deco(f):
        f.exempt = True
        f.level = level
        return f
    return deco
