HANDLERS = []


def handler(priority):
    def deco(f):
        HANDLERS.append((priority, lambda: f()))
        return f
    return deco


def fire():
    return [f() for _, f in HANDLERS]
