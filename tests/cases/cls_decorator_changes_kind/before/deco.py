import functools


def counted(key):
    def deco(f):
        @functools.wraps(f)
        def wrapper(self, *args):
            return 'function', key(self), f(self, *args)
        return wrapper
    return deco
