import probe

ROUTES = {}


def route(path):
    def deco(f):
        probe.tick(path)
        ROUTES[path] = f
        return f
    return deco


@route('/a')
def a(n=1):
    return n


@route('/b')
def b(n=1):
    return n
