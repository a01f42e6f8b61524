LIST, TABLE = [], {}


def command(name, *aliases):
    def deco(f):
        LIST.append((name, aliases, f))
        TABLE[name] = f
        for a in aliases:
            TABLE[a] = f
        return f
    return deco
