ROUTES = {}
ORDER = []


def route(path):
    def deco(f):
        ROUTES[path] = f
        ORDER.append(path)
        return f
    return deco
