TABLE = {}
ROUTES = []
KINDS = {}
NAMES = set()


def on(key):
    def deco(f):
        if key in TABLE:
            raise KeyError('duplicate ' + key)
        TABLE[key] = f
        return f
    return deco


def route(path):
    def deco(f):
        if any(p == path for p, g in ROUTES):
            raise ValueError('duplicate ' + path)
        ROUTES.append((path, f))
        return f
    return deco


class Kind:
    def __init_subclass__(cls, **kw):
        super().__init_subclass__(**kw)
        if cls.__name__ in KINDS:
            raise TypeError('duplicate ' + cls.__name__)
        KINDS[cls.__name__] = cls
